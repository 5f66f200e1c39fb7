import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES } from "../../kernel/pages.ts";
import type { Run, RunTree } from "../../protocol/runs.ts";
import type { RunAccess } from "./access.ts";
import type { RunRow } from "./row.ts";
import type { RunService } from "./service.ts";
import { runLists } from "./store-lists.ts";
import { addAll } from "./usage.ts";
import { usageOf } from "./view.ts";

/** Descendants in one answer. */
const MAX_SHOWN = 500;
/** Runs of a tree that are looked at. */
const MAX_TREE = 5000;

/** A run with its descendants. */
export function createRunTree({ access, service }: { access: RunAccess; service: RunService }) {
  /** Descendants among the runs of a tree, which come oldest first: a parent before its children. */
  function below(top: RunRow, tree: readonly RunRow[]): RunRow[] {
    const inside = new Set([top.id]);
    return tree.filter((row) => {
      if (row.parentId === null || !inside.has(row.parentId)) return false;
      inside.add(row.id);
      return true;
    });
  }

  return {
    /** `GET .../tree`. Sums are over all descendants, also those that the caller may not read. @throws Problem 403, 404, 409 */
    async tree(on: ReadTx, caller: Caller, id: string): Promise<RunTree> {
      const top = await access.requireReadable(on, caller, id);
      const all = await runLists.treeOf(on, top.rootRunId, MAX_TREE);
      const rows = below(top, all);
      const run = await service.show(on, caller, top);
      const descendants: Run[] = [];
      let bytes = jsonBytes(run);
      let isWhole = all.length < MAX_TREE;
      const readsAll = await access.follows(on, caller, top);
      for (const row of rows) {
        if (!readsAll && !(await access.mayRead(on, caller, row))) continue;
        const shown = await service.show(on, caller, row);
        bytes += jsonBytes(shown);
        isWhole &&= descendants.length < MAX_SHOWN && bytes <= PAGE_BYTES;
        if (!isWhole) break;
        descendants.push(shown);
      }
      const counted = [top, ...rows];
      const complete = isWhole && counted.every(({ byModel }) => byModel !== null);
      return { run, descendants, usage: addAll(counted.map(usageOf)), complete };
    },
  };
}
