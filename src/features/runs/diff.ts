import { PAGE_BYTES } from "../../kernel/pages.ts";
import type { EventData } from "../../protocol/run-events.ts";
import type { RunDiff } from "../../protocol/runs.ts";

type Change = EventData<"diff">;

/** Changes of a run so far, by path. */
export interface DiffSum {
  files: Map<string, { change: Change["change"]; added: number; removed: number; patches: string[] }>;
  /** Size of the patches. */
  bytes: number;
  isCut: boolean;
}

/** Adds one change. A file that the run added stays added, and one that it added and deleted leaves nothing. */
export function addDiff(sum: DiffSum, { path, change, added, removed, patch }: Change): void {
  const before = sum.files.get(path);
  if (before?.change === "added" && change === "deleted") {
    sum.files.delete(path);
    return;
  }
  const file = before ?? { change, added: 0, removed: 0, patches: [] };
  if (before && before.change !== "added") file.change = before.change === "deleted" ? "modified" : change;
  file.added += added;
  file.removed += removed;
  sum.bytes += Buffer.byteLength(path) + Buffer.byteLength(patch ?? "");
  if (sum.bytes > PAGE_BYTES) sum.isCut = true;
  else if (patch !== undefined) file.patches.push(patch);
  sum.files.set(path, file);
}

export function diffOf({ files, isCut }: DiffSum): RunDiff {
  const items = [...files].map(([path, { change, added, removed, patches }]) => ({
    ...{ path, change, added, removed },
    patch: patches.length > 0 ? patches.join("\n") : null,
  }));
  const sumOf = (key: "added" | "removed") => items.reduce((total, item) => total + item[key], 0);
  return { files: items, added: sumOf("added"), removed: sumOf("removed"), cut: isCut };
}
