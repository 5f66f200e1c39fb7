import type { ReactNode } from "react";

/** Text exactly as it is: every character shown, wrapped, never cut. Marks of direction and invisible ones are spelled out. */
export const Exact = ({ children }: { children: string }) => (
  <pre className="overflow-auto rounded-control border border-line bg-surface px-3 py-2 font-mono text-small whitespace-pre-wrap wrap-anywhere max-md:text-body">
    {visible(children)}
  </pre>
);

/** Characters that change or hide others: written as their code. */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Text of others, in which nothing hides. */
export const visible = (text: string): string =>
  text.replace(HIDDEN, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);

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
          {one}
        </span>
      ))}
    </p>
  );
}
