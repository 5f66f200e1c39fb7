import type { RunLink } from "./runs.ts";

/** Links under one answer. */
const MAX_LINES = 10;

/**
 * An answer for a chat, which ends with its links: pull requests first, then the rest, newest last. A pull request that the model only
 * spoke of is left out, and so is a link that the text names already.
 */
export function withLinks(text: string, links: readonly RunLink[]): string {
  const told = links.filter(({ kind, evidence }) => kind !== "pull" || evidence !== "said");
  const ordered = [...told.filter(({ kind }) => kind === "pull"), ...told.filter(({ kind }) => kind !== "pull")];
  const lines = ordered.filter((link) => !isNamed(text, link)).map(lineOf);
  return [text, ...(lines.length > 0 ? [lines.slice(0, MAX_LINES).join("\n")] : [])].filter(Boolean).join("\n\n");
}

const isNamed = (text: string, { url, state }: RunLink): boolean => url != null && state == null && text.includes(url);

function lineOf({ kind, ref, url, state }: RunLink): string {
  const name = ref == null || ref === url ? "" : kind === "pull" || kind === "url" ? ref : `${kind} ${ref}`;
  return [name, url ?? "", state ? `(${state})` : ""].filter(Boolean).join(" ");
}
