import type { Caller } from "../../identity/auth/caller.ts";
import { createSpan } from "../../kernel/breathe.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueHandler } from "../../kernel/due/due.ts";
import type { Bulk } from "../../protocol/bulk.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { createKinds, Ground } from "./kinds.ts";
import { type BulkRow, bulkStore as store } from "./store.ts";

const STEP = "bulk.step";
/** Rows that one write counts among. */
const COUNTED = 20_000;
/** Items that one write acts on, and rows that it visits for them. */
const ITEMS = 50;
const VISITED = 2000;
/** Time that one write takes at most, beyond its last item. */
const STEP_MS = 10;
const MAX_FAILURES = 10;
/** Least time between two words to watchers. */
const TOLD_MS = 200;

export type BulkSteps = ReturnType<typeof createBulkSteps>;

/** A bulk action is worked off in steps: each is one write, which also stores how far it is. */
export function createBulkSteps({ kernel, identity, core }: Ground, kinds: ReturnType<typeof createKinds>) {
  const { clock, due } = kernel;
  const { activity, auth } = identity;
  const told = new Map<string, number>();

  /** Tells watchers how far it is: its beginning, its end, and in between from time to time. */
  function tell(tx: Tx, row: BulkRow): void {
    tx.afterCommit(() => {
      const now = clock.now();
      const isOver = row.endedAt !== null;
      if (!isOver && now - (told.get(row.id) ?? 0) < TOLD_MS) return;
      if (isOver) told.delete(row.id);
      else told.set(row.id, now);
      core.inbox.watch.toAll("bulk", () => JSON.stringify(shown(row)));
    });
  }

  async function save(tx: Tx, row: BulkRow): Promise<BulkRow> {
    await store.save(tx, row);
    if (row.endedAt === null) await due.schedule(tx, STEP, row.id, clock.now());
    tell(tx, row);
    return row;
  }

  /** Ends it, in the name of a caller where one ends it. */
  async function end(tx: Tx, row: BulkRow, state: "done" | "stopped", reason: string | null, by?: Caller) {
    const { id, done, failed, tokenId, person } = row;
    await due.cancel(tx, STEP, id);
    const actor = by ?? { tokenId, personId: person };
    await activity.record(tx, actor, state === "done" ? "bulk.ended" : "bulk.stopped", id, { done, failed, reason });
    return save(tx, { ...row, state, reason, endedAt: clock.now() });
  }

  const momentOf = ({ head, createdAt: at }: BulkRow) => ({ head, at });

  async function count(tx: Tx, row: BulkRow): Promise<BulkRow> {
    const part = { after: row.place, upTo: row.upTo, limit: COUNTED, visit: COUNTED };
    const { taken, reached } = kinds[row.action].walk(tx, row.filter, momentOf(row), part);
    const counted = { ...row, matched: row.matched + taken.length };
    if (reached !== null) return save(tx, { ...counted, place: reached });
    if (counted.matched === 0) return end(tx, counted, "done", null);
    return save(tx, { ...counted, state: "running", place: 0 });
  }

  async function work(tx: Tx, row: BulkRow): Promise<BulkRow> {
    const principal = await auth.principalNow(tx, row.tokenId);
    if (!principal) return end(tx, row, "stopped", "The token that began it has ended.");
    const caller: Caller = { ...principal, instanceId: null, requestId: row.id };
    const part = { after: row.place, upTo: row.upTo, limit: ITEMS, visit: VISITED };
    const { taken, reached } = kinds[row.action].walk(tx, row.filter, momentOf(row), part);
    let now = row;
    const isOver = createSpan(STEP_MS);
    for (const [index, { place, id }] of taken.entries()) {
      now = { ...(await act(tx, now, caller, id)), place };
      if (isOver() && index < taken.length - 1) return save(tx, now);
    }
    return reached === null ? end(tx, now, "done", null) : save(tx, { ...now, place: reached });
  }

  /** Acts on one item. A refusal is counted; whatever is no refusal of the item ends the step, which is tried again. */
  async function act(tx: Tx, row: BulkRow, caller: Caller, id: string | number): Promise<BulkRow> {
    try {
      await tx.attempt(() => kinds[row.action].act(tx, caller, id, row.decision ?? "deny"));
      return { ...row, done: row.done + 1 };
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error;
      const failure = { id: String(id), code: error.code, detail: error.message };
      const failures = [...row.failures, failure].slice(0, MAX_FAILURES);
      return { ...row, failed: row.failed + 1, failures };
    }
  }

  const step: DueHandler = async (tx, { key }) => {
    const row = await store.byId(tx, key);
    if (!row || row.endedAt !== null) return;
    await (row.state === "counting" ? count(tx, row) : work(tx, row));
  };

  return {
    dueHandlers: { [STEP]: step },
    /** Stores a new one, and counts as much as one write may. */
    async begin(tx: Tx, row: BulkRow): Promise<BulkRow> {
      await store.add(tx, row);
      return count(tx, row);
    },
    stop: (tx: Tx, row: BulkRow, by: Caller): Promise<BulkRow> =>
      end(tx, row, "stopped", `by ${by.personId ?? "user"}`, by),
  };
}

/** A bulk action as callers see it. */
export function shown({ id, action, filter, decision, state, matched, done, failed, ...row }: BulkRow): Bulk {
  return {
    ...{ id, action, filter, decision, state, matched, done, failed },
    skipped: state === "done" ? Math.max(0, matched - done - failed) : 0,
    ...{ failures: row.failures, reason: row.reason, person: row.person },
    ...{ createdAt: toTime(row.createdAt), endedAt: toTimeOrNull(row.endedAt) },
  };
}
