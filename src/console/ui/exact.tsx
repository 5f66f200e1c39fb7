import type { ReactNode } from "react";
import { visible } from "../../protocol/visible.ts";

/** Text exactly as it is: every character shown, wrapped, never cut. Marks of direction and invisible ones are spelled out. */
export const Exact = ({ children }: { children: string }) => (
  <pre className="overflow-auto rounded-control border border-line bg-surface px-3 py-2 font-mono text-small whitespace-pre-wrap wrap-anywhere max-md:text-body">
    {visible(children)}
  </pre>
);

/** A child of an element: where it is text, nothing hides in it. */
export const shownChild = (child: ReactNode): ReactNode => (typeof child === "string" ? visible(child) : child);

/** `acme/api` of `github.com/acme/api`; the last two folders of a path. */
export const projectName = (project: string): string => visible(project.split("/").filter(Boolean).slice(-2).join("/"));

/** Facts in one line, with dots between. */
export function Facts({ items }: { items: readonly (ReactNode | false | null | undefined)[] }) {
  const shown = items.filter(Boolean);
  return (
    <p className="my-2 text-small text-ink2 wrap-anywhere">
      {shown.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence
        <span key={index}>
          {index > 0 && " · "}
          {shownChild(one)}
        </span>
      ))}
    </p>
  );
}
