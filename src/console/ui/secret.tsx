import { toast } from "sonner";
import { visible } from "../../protocol/visible.ts";
import { Button } from "./button.tsx";

/** Copies a text, and says so. */
export async function copy(text: string, said: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    // Plain HTTP has no clipboard.
    toast.error("This browser does not let the page copy: select the text.");
  }
}

/** A secret that is shown this once. */
export function Secret({ name, value, about, close }: { name: string; value: string; about: string; close(): void }) {
  return (
    <section aria-label={name} className="mb-6 rounded-control border border-control bg-surface p-4">
      <p className="mb-2">
        <strong>{visible(name)}</strong> <span className="text-ink2">{about}</span>
      </p>
      <code className="block rounded-control bg-sunken px-3 py-2 font-mono text-small select-all wrap-anywhere">
        {value}
      </code>
      <div className="mt-3 flex gap-2">
        <Button kind="primary" onClick={() => void copy(value, "Copied")}>
          Copy
        </Button>
        <Button onClick={close}>I have it</Button>
      </div>
    </section>
  );
}
