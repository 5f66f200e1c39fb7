import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { deadlines } from "../../kernel/due/source.ts";
import { Problem } from "../../protocol/problem.ts";
import type { RunRenewed, UsageInput } from "../../protocol/runs.ts";
import { toTime } from "../../protocol/wire.ts";
import type { RunAccess } from "./access.ts";
import type { Finished, Finishes } from "./finish.ts";
import type { Recorder } from "./recorder.ts";
import type { RunRow, TurnRow } from "./row.ts";
import { type End, NOTHING, type RunSettle, WAKE_MS } from "./settle.ts";
import type { Spending } from "./spending.ts";
import type { RunStore } from "./store.ts";

/** Shortest time to the end of a lease or a deadline after an absence of the relay. */
const GRACE_MS = 30_000;
/** Runners that are reminded in the write after an absence; the others look for their runs by themselves. */
const MAX_REMINDED = 200;
/** Time in which a runner that said that its turn is over may still say more. */
const CLOSING_MS = 15_000;
/** Time in which a runner confirms that it stopped. */
export const CONFIRM_MS = 15_000;

export type Life = ReturnType<typeof createLife>;

interface Parts {
  store: RunStore;
  access: RunAccess;
  recorder: Recorder;
  settle: RunSettle;
  finishes: Finishes;
  spending: Spending;
}

/** Life of a run: taken, renewed, finished, or ended by time. */
export function createLife({ kernel, core }: Areas, { store, access, recorder, settle, finishes, spending }: Parts) {
  const { clock, due } = kernel;

  /** Ends of the lease and of the whole run, whichever is sooner. */
  function leaseEnd({ deadlineAt }: RunRow, leaseSeconds: number): number {
    return Math.min(clock.now() + leaseSeconds * 1000, deadlineAt ?? Number.POSITIVE_INFINITY);
  }

  /** Lets a turn run. @throws Problem 409 already-running, held */
  async function run(tx: Tx, before: RunRow, turn: TurnRow, leaseSeconds: number): Promise<RunRow> {
    const { agentId, orchestratorId, project } = before;
    await core.holding.require(tx, { agentId, orchestratorId, project, tags: JSON.parse(before.tags) });
    const other = await store.holder(tx, before.agentId, before.sessionKey);
    if (other && other.id !== before.id)
      throw new Problem("already-running", `${other.id} of ${before.agentId} runs in ${before.sessionKey}.`, {
        runId: other.id,
      });
    const row: RunRow = {
      ...{ ...before, status: "running", turnId: turn.id, leaseSeconds, closing: null },
      // Without a timeout the deadline was that of its waiting alone.
      deadlineAt: before.timeoutSeconds === null ? null : before.deadlineAt,
    };
    row.dueAt = leaseEnd(row, leaseSeconds);
    const begun = { ...turn, startedAt: clock.now() };
    await store.saveTurn(tx, begun);
    await settle.save(tx, row, before);
    await recorder.begin(tx, row, begun);
    return row;
  }

  /** `POST .../start`: a repeat changes nothing. @throws Problem 403, 404, 409 */
  async function start(
    tx: Tx,
    caller: Caller,
    id: string,
    how: { leaseSeconds: number; again: boolean },
  ): Promise<RunRow> {
    const row = await access.require(tx, id);
    await access.requireRunner(tx, caller, row);
    if (row.status === "running") return row;
    if (row.approvalId !== null && row.status === "queued")
      throw new Problem("not-open", `${id} waits for ${row.approvalId}: a person has to allow it first.`);
    if (how.again && row.status === "ended" && row.errorCode === "lost") {
      const turn = await settle.addTurn(tx, row, { cause: "again" });
      return run(tx, reopened(row, turn), turn, how.leaseSeconds);
    }
    const turn = row.status === "queued" ? await store.turn(tx, row.turnId) : undefined;
    if (!turn) throw new Problem("not-open", `No turn of ${id} waits: it is ${row.status}.`);
    return run(tx, row, turn, how.leaseSeconds);
  }

  function reopened(row: RunRow, turn: TurnRow): RunRow {
    const deadlineAt = row.timeoutSeconds === null ? null : clock.now() + row.timeoutSeconds * 1000;
    return {
      ...{ ...row, turns: turn.number, deadlineAt, outcome: null, errorCode: null, error: null, confirmed: null },
      ...{ late: false, abortedBy: null, wokenAt: null, endedAt: null, compact: false },
    };
  }

  /** Renews the lease of a running turn by a word of its runner, and takes back that it is about to end. */
  async function touch(tx: Tx, row: RunRow, leaseSeconds = row.leaseSeconds): Promise<RunRow> {
    if (row.status !== "running") return row;
    const dueAt = leaseEnd(row, leaseSeconds);
    // A tenth of the lease is not worth a write for each batch of events.
    const isFresh = row.dueAt !== null && row.dueAt >= dueAt - leaseSeconds * 100;
    if (isFresh && row.closing === null && leaseSeconds === row.leaseSeconds) return row;
    const renewed = { ...row, dueAt, leaseSeconds, closing: null };
    await store.touch(tx, renewed);
    tx.afterCommit(() => due.notice(dueAt));
    return renewed;
  }

  /** The runner said that its turn is over: it ends by itself unless more is heard. */
  async function close(tx: Tx, row: RunRow, { outcome, error }: Pick<End, "outcome" | "error">): Promise<RunRow> {
    if (row.status !== "running") return row;
    const dueAt = leaseEnd(row, CLOSING_MS / 1000);
    const closing = { ...row, dueAt, closing: JSON.stringify({ outcome, error: error ?? null }) };
    await store.touch(tx, closing);
    tx.afterCommit(() => due.notice(dueAt));
    return closing;
  }

  async function overdue(tx: Tx, row: RunRow): Promise<RunRow> {
    const turn = await store.turn(tx, row.turnId);
    if (!turn) throw new Error(`${row.id} has no turn ${row.turnId}`);
    if (row.status === "queued") return notTaken(tx, row, turn);
    if (row.status === "waiting")
      return settle.endWaiting(tx, row, { outcome: "timeout", errorCode: "timeout", error: TOO_LONG });
    return settle.endTurn(tx, row, turn, await finishes.unsaid(tx, row, turn, await endOf(row)));
  }

  /** Nobody took a turn that waited. The result of a run that was to be woken goes out as it is. */
  async function notTaken(tx: Tx, row: RunRow, turn: TurnRow): Promise<RunRow> {
    const end: End = { outcome: "error", errorCode: "no-runner", error: `${row.agentId} did not take it in time.` };
    const over = await settle.dropTurn(tx, row, turn, end);
    if (turn.cause === "wake") return settle.endRun(tx, row, over, { outcome: "ok" });
    return settle.endRun(tx, row, over, { ...end, result: NOTHING });
  }

  /** End of a running turn whose time is over. */
  async function endOf(row: RunRow): Promise<End> {
    if (row.status === "stopping") return { outcome: "aborted", confirmed: false, owed: true };
    if (row.deadlineAt !== null && row.deadlineAt <= clock.now())
      return { outcome: "timeout", errorCode: "timeout", error: TOO_LONG, owed: true };
    if (row.closing !== null) {
      const { outcome, error } = JSON.parse(row.closing);
      return { outcome, error, errorCode: outcome === "ok" ? null : "unknown", owed: true };
    }
    return { outcome: "error", errorCode: "lost", error: "Its runner was not heard of any more.", owed: true };
  }

  const source = deadlines("runs", store, async (tx, row, now) => {
    // Ending one may have ended or changed another.
    const current = await store.byId(tx, row.id);
    if (current?.dueAt != null && current.dueAt <= now) await overdue(tx, current);
  });

  return {
    run,
    start,
    touch,
    close,
    source,

    /** `POST .../renew`. @throws Problem 403, 404, 409 */
    async renew(tx: Tx, caller: Caller, id: string, token: string | null, leaseSeconds?: number): Promise<RunRenewed> {
      const { run: row } = await access.requireTurn(tx, caller, id, token);
      const { status, turnId, dueAt } = await touch(tx, row, leaseSeconds);
      return { status, turnId, expiresAt: toTime(dueAt ?? clock.now()) } as RunRenewed;
    },

    /** `POST .../finish`. @throws Problem 403, 404, 409, 422 */
    async finish(tx: Tx, caller: Caller, id: string, token: string | null, body: Finished): Promise<RunRow> {
      const row = await access.require(tx, id);
      await access.requireRunner(tx, caller, row);
      return finishes.finish(tx, row, await access.turnOf(tx, row, token), body);
    },

    /** Tells the runners of some turns that wait again, from a run on. Answers the last one, or null at the end. */
    async remindQueued(tx: Tx, after: number, limit: number): Promise<number | null> {
      const rows = await store.queued(tx, after, limit);
      for (const row of rows) await settle.remind(tx, row);
      return rows.length === limit ? (rows.at(-1)?.number ?? null) : null;
    },

    /** Adds tokens and money to a run. */
    async used(tx: Tx, row: RunRow, usage: UsageInput): Promise<RunRow> {
      const added = await spending.add(tx, row, usage);
      await store.saveUsage(tx, added);
      return added;
    },

    /** After an absence of the relay runners have time to be heard of. */
    async giveGrace(tx: Tx, now: number): Promise<void> {
      const missed = await store.ripe(tx, now, MAX_REMINDED);
      await store.giveGrace(tx, now, now + GRACE_MS, CONFIRM_MS, WAKE_MS);
      for (const { id } of missed) {
        const row = await store.byId(tx, id);
        if (row) await settle.remind(tx, row);
      }
    },
  };
}

const TOO_LONG = "Its time was over.";
