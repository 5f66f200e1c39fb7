import type { Areas } from "../../core/core.ts";
import type { Slice, Sweep } from "../../core/retention/sweeps.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Files } from "../files/files.ts";
import type { RunRow } from "./row.ts";
import { runLists } from "./store-lists.ts";
import { type EndedPlace, oldRuns } from "./store-old.ts";
import { TELL } from "./tell.ts";

/** Ended runs looked at in one write, and parts deleted there. */
const SLICE = 50;
const PARTS = 1000;
/** Keys of messages to runs deleted in one write. */
const KEYS = 500;
/** Runs of one tree. */
const MAX_TREE = 5000;
const BEGINNING: EndedPlace = { endedAt: 0, number: 0 };

/** Deletes ended runs as a tree, when the last of it is old enough and nothing of it is still to be delivered. */
export function createRunSweeps({ kernel, core, files }: Pick<Areas, "kernel" | "core"> & { files: Files }) {
  /** True while another area needs one of these runs. */
  const kept = kernel.hooks.question<[runIds: readonly string[]], true>("runs.kept");

  /** The runs of a tree that may go, the newest first; none while one of them has to stay. */
  async function goingOf(on: ReadTx, rootRunId: string, before: number): Promise<RunRow[]> {
    const tree = await runLists.treeOf(on, rootRunId, MAX_TREE);
    if (tree.some(({ endedAt }) => endedAt === null || endedAt >= before)) return [];
    const ids = tree.map(({ id }) => id);
    return (await kept.first(on, ids)) ? [] : tree.reverse();
  }

  async function sweep(tx: Tx, { before, from, limit }: Slice) {
    const ended = await oldRuns.endedBefore(tx, before, (from as EndedPlace | undefined) ?? BEGINNING, limit);
    let reached = (from as EndedPlace | undefined) ?? BEGINNING;
    let room = PARTS;
    for (const { number, endedAt, rootRunId } of ended) {
      for (const run of await goingOf(tx, rootRunId, before)) {
        room -= await oldRuns.removeParts(tx, run.id, room);
        if (room <= 0) return { from: reached };
        if (run.resultFileId !== null) await files.release(tx, run.resultFileId);
        await oldRuns.remove(tx, run.id);
        core.facets.forget(tx, "run", [run.number]);
        room -= 1;
      }
      reached = { number, endedAt: endedAt ?? 0 };
    }
    return ended.length === limit ? { from: reached } : 0;
  }

  const sweeps: Sweep[] = [
    { name: "runs", limit: SLICE, sweep },
    {
      name: "runs.told",
      limit: KEYS,
      sweep: (tx, { before, limit }) => kernel.idempotency.forget(tx, TELL, before, limit),
    },
  ];
  return { kept, sweeps };
}
