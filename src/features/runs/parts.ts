import type { Caller } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { PAGE_BYTES } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { RunDiff } from "../../protocol/runs.ts";
import type { RunAccess } from "./access.ts";
import { addDiff, type DiffSum, diffOf } from "./diff.ts";
import type { Follows, Opening, PartForm } from "./follow.ts";
import { toPartEntry } from "./part-log.ts";
import type { PartRow, RunRow, TurnRow } from "./row.ts";
import type { RunStore } from "./store.ts";
import type { PartStore } from "./store-parts.ts";

/** Rows that one page passes over to find those of a turn. */
const MAX_VISITED = 20_000;
const READ_AT_ONCE = 256;

/** Part of a run to show. */
interface PartPage {
  after?: number | undefined;
  before?: number | undefined;
  turn?: string | undefined;
  limit: number;
}

export type PartReads = ReturnType<typeof createParts>;

/** Reads the log of runs. */
export function createParts(
  { db }: Kernel,
  { access, runs, store, follows }: { access: RunAccess; runs: RunStore; store: PartStore; follows: Follows },
) {
  /** Parts of a page in order of reading. `isBack`: from the newest on. */
  async function collect(on: ReadTx, runId: string, { after, before, turn, limit }: PartPage, isBack: boolean) {
    const entries: string[] = [];
    const pause = createPauses();
    let place = isBack ? (before as number) : (after ?? 0);
    let bytes = 0;
    for (let visited = 0; visited < MAX_VISITED; ) {
      const rows: PartRow[] = await (isBack ? store.before : store.after)(on, runId, place, READ_AT_ONCE);
      for (const row of rows) {
        if (before !== undefined && row.place >= before) return { entries, next: null };
        if (turn === undefined || row.turnId === turn) {
          const { json } = toPartEntry(row);
          bytes += Buffer.byteLength(json);
          if (entries.length === limit || (entries.length > 0 && bytes > PAGE_BYTES)) return { entries, next: place };
          entries.push(json);
        }
        place = row.place;
        await pause();
      }
      visited += rows.length;
      if (rows.length < READ_AT_ONCE) return { entries, next: null };
    }
    return { entries, next: place };
  }

  /** Start of a turn's stream. */
  async function startOf(on: ReadTx, run: RunRow, turnId: string): Promise<{ after: number; over: boolean }> {
    const { endedAt } = await turnOf(on, run, turnId);
    const place = await store.start(on, turnId);
    if (place !== undefined) return { after: place - 1, over: false };
    return { after: store.head(on), over: endedAt !== null };
  }

  /** @throws Problem 404 */
  async function turnOf(on: ReadTx, run: RunRow, turnId: string): Promise<TurnRow> {
    const turn = await runs.turn(on, turnId);
    if (turn?.runId !== run.id) throw new Problem("not-found", `Run ${run.id} has no turn ${turnId}.`);
    return turn;
  }

  return {
    /** `GET .../events`, as JSON: oldest first; with `before` alone the newest before it. @throws Problem 403, 404 */
    async list(on: ReadTx, caller: Caller, id: string, query: PartPage): Promise<string> {
      const run = await access.requireFollower(on, caller, id);
      const isBack = query.before !== undefined && query.after === undefined;
      const { entries, next } = await collect(on, id, query, isBack);
      const items = isBack ? entries.toReversed() : entries;
      return `{"items":[${items.join(",")}],"next":${isBack ? null : next},"full":${!run.compact}}`;
    },

    /** `GET .../diff`. @throws Problem 403, 404 */
    async diff(on: ReadTx, caller: Caller, id: string): Promise<RunDiff> {
      await access.requireFollower(on, caller, id);
      const sum: DiffSum = { files: new Map(), bytes: 0, isCut: false };
      const pause = createPauses();
      let after = 0;
      for (let visited = 0; visited < MAX_VISITED; visited += READ_AT_ONCE) {
        const rows = await store.diffs(on, id, after, READ_AT_ONCE);
        for (const row of rows) {
          addDiff(sum, JSON.parse(row.json).data);
          after = row.place;
          await pause();
        }
        if (rows.length < READ_AT_ONCE) return diffOf(sum);
      }
      return diffOf({ ...sum, isCut: true });
    },

    /** `GET .../events/stream`. @throws Problem 403, 404, 429 */
    async follow(opening: Opening, id: string, { after = 0, turn }: Pick<PartPage, "after" | "turn">, form: PartForm) {
      const over = await db.read(async (on) => {
        const run = await access.requireFollower(on, opening.caller, id);
        return turn === undefined ? run.status === "ended" : (await turnOf(on, run, turn)).endedAt !== null;
      });
      return follows.open(opening, { runId: id, turnId: turn }, { after, over }, form);
    },

    /**
     * Follows one turn from its start to its end, the newest without `turn`. undefined: it was to be live, and nothing runs.
     * @throws Problem 403, 404, 429
     */
    async followTurn(
      opening: Opening,
      id: string,
      { turn, live = false }: { turn?: string | undefined; live?: boolean },
      form: PartForm,
    ): Promise<Response | undefined> {
      const found = await db.read(async (on) => {
        const run = await access.requireFollower(on, opening.caller, id);
        const turnId = turn ?? run.turnId;
        if (live && (turnId !== run.turnId || !RUNNING.includes(run.status))) return undefined;
        return { turnId, from: await startOf(on, run, turnId) };
      });
      return found && follows.open(opening, { runId: id, turnId: found.turnId }, found.from, form);
    },
  };
}

/** States in which the newest turn has not ended. */
const RUNNING: RunRow["status"][] = ["queued", "running", "stopping"];
