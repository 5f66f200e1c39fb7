import type { ReactNode } from "react";

/** Look of one of several views, in a bar of links or buttons. */
export const TAB =
  "flex h-8 shrink-0 cursor-pointer items-center whitespace-nowrap border-b-2 border-transparent text-ink2 hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-semibold aria-[current=page]:text-ink aria-pressed:border-accent aria-pressed:font-semibold aria-pressed:text-ink max-md:h-12";

/** Views of one page. */
export const Tabs = ({
  label,
  className = "",
  children,
}: {
  label: string;
  className?: string;
  children: ReactNode;
}) => (
  <nav aria-label={label} className={`mb-4 flex gap-4 overflow-x-auto border-b border-line ${className}`}>
    {children}
  </nav>
);
