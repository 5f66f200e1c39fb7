import type { SessionEvent } from "../provider.ts";
import type { Change } from "./messages.ts";

type Diff = Extract<SessionEvent, { type: "diff" }>;

/** Event of one changed file. Codex gives the whole text of files that are added or deleted, and hunks of the others. */
export function diffOf({ path, kind, diff }: Change): Diff {
  const patch = kind.type === "update" ? diff : wholeFile(diff, kind.type);
  const lines = patch.split("\n").filter((line) => !/^(\+\+\+|---) /.test(line));
  const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
  const change = kind.type === "add" ? "added" : kind.type === "delete" ? "deleted" : undefined;
  return {
    ...{ type: "diff", path: kind.move_path ?? path },
    change: change ?? (kind.move_path ? "renamed" : "modified"),
    ...{ added: count("+"), removed: count("-"), ...(patch && { patch }) },
  };
}

/** Changes as one text for a person to judge. */
export const patchOf = (changes: readonly Change[]): string =>
  changes
    .map((change) => {
      const { path, kind } = change;
      const from = kind.type === "add" ? "/dev/null" : path;
      const to = kind.type === "delete" ? "/dev/null" : (kind.move_path ?? path);
      return `--- ${from}\n+++ ${to}\n${diffOf(change).patch ?? ""}`;
    })
    .join("\n");

function wholeFile(text: string, kind: "add" | "delete"): string {
  if (text === "") return "";
  const lines = text.replace(/\n$/, "").split("\n");
  const head = kind === "add" ? `@@ -0,0 +1,${lines.length} @@` : `@@ -1,${lines.length} +0,0 @@`;
  return [head, ...lines.map((line) => `${kind === "add" ? "+" : "-"}${line}`), ""].join("\n");
}
