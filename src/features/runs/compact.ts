import type { Sweep } from "../../core/retention/sweeps.ts";
import { createPauses } from "../../kernel/breathe.ts";
import { HOUR_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { joinedDelta } from "./append.ts";
import type { PartRow } from "./row.ts";
import type { PartStore } from "./store-parts.ts";
import type { Part } from "./turn-state.ts";

/** Rows of one slice: each may have 64 KiB. */
const SLICE = 200;
/** Characters of one joined delta: bounds how often a long text is written again. */
const JOINED = 64 * 1024;

/** Place in the sweep: the run that it is at, and the last of its parts that is done. */
interface At {
  runId: string;
  after: number;
}

/** Rows to change and to delete. */
interface Compaction {
  changed: { place: number; json: string }[];
  deleted: number[];
  /** The last part that needs no further look. */
  after: number;
}

/**
 * Joins the deltas of runs that ended so many hours ago. A viewer that resumes inside of such a text gets all of it.
 * @param isFollowed whether a viewer reads a run now, which would meet a text twice: the run waits for the next sweep
 */
export function compactionSweep(store: PartStore, hours: number, isFollowed: (runId: string) => boolean): Sweep {
  async function slice(tx: Tx, { runId, after }: At): Promise<{ from: At | undefined }> {
    const rows = await store.after(tx, runId, after, SLICE);
    const { changed, deleted, after: done } = await compact(rows);
    await store.change(tx, changed);
    await store.delete(tx, deleted);
    if (rows.length === SLICE) return { from: { runId, after: done } };
    await store.setCompact(tx, runId);
    return { from: undefined };
  }

  return {
    name: "runs.parts",
    keepMs: hours * HOUR_MS,
    limit: SLICE,
    async sweep(tx, { before, from }) {
      const runId = await store.notCompact(tx, before);
      if (runId === undefined || isFollowed(runId)) return 0;
      const at = from as At | undefined;
      return slice(tx, at?.runId === runId ? at : { runId, after: 0 });
    },
  };
}

/** Joins neighbouring deltas at the place of the last, and drops outputs of tools that a later one replaces. */
export async function compact(rows: readonly PartRow[]): Promise<Compaction> {
  const changed = new Map<number, Part>();
  const deleted: number[] = [];
  const outputs = new Map<unknown, number>();
  let last: { row: PartRow; part: Part } | undefined;
  const pause = createPauses();
  for (const row of rows) {
    await pause();
    const part = isOfUse(row) ? (JSON.parse(row.json) as Part) : undefined;
    const joined = part && last && last.row.turnId === row.turnId ? joinedDelta(last.part, part, JOINED) : undefined;
    if (part && joined !== undefined && last) {
      changed.delete(last.row.place);
      deleted.push(last.row.place);
      part.delta = joined;
      changed.set(row.place, part);
    }
    if (part?.type === "tool-output-available") {
      const key = `${row.turnId} ${part.toolCallId}`;
      const earlier = outputs.get(key);
      if (earlier !== undefined) deleted.push(earlier);
      if (part.preliminary) outputs.set(key, row.place);
    }
    last = part && { row, part };
  }
  const end = last && "delta" in last.part && rows.length > 1 ? last.row.place - 1 : (rows.at(-1)?.place ?? 0);
  return {
    changed: [...changed].map(([place, part]) => ({ place, json: JSON.stringify(part) })),
    deleted,
    after: end,
  };
}

const OF_USE = ['{"type":"text-delta"', '{"type":"reasoning-delta"', '{"type":"tool-output-available"'];
const isOfUse = ({ json }: PartRow): boolean => OF_USE.some((head) => json.startsWith(head));
