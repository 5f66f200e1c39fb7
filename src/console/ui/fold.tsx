import { type ReactNode, useState } from "react";

interface FoldProps {
  line: ReactNode;
  startsOpen?: boolean;
  children(): ReactNode;
}

/** A line that opens. What is in it is made when it opens. */
export function Fold({ line, startsOpen = false, children }: FoldProps) {
  const [isOpen, setOpen] = useState(startsOpen);
  return (
    <div className="py-0.5">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex min-h-7 w-full cursor-pointer items-center gap-2 rounded-control text-left text-small text-ink2 hover:bg-hover max-md:min-h-12"
      >
        {line}
      </button>
      {isOpen && <div className="my-1 ml-5 flex flex-col gap-1">{children()}</div>}
    </div>
  );
}
