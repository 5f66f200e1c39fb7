import { and, asc, desc, eq, isNotNull, or, type SQL, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds, inList } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows, visitedPage } from "../../kernel/db/reads.ts";
import {
  byTime,
  changeWhere,
  columns,
  columnsWhere,
  countWhere,
  equal,
  everyColumn,
  rowsWhere,
} from "../../kernel/db/statements.ts";
import type { WorkState } from "../../protocol/messages.ts";
import { hasFacet } from "../facets/tables.ts";
import type { WorkMove, WorkRow } from "./row.ts";
import { createAttemptStore } from "./store-attempts.ts";
import { createOpenWorkStore } from "./store-open-work.ts";
import { workWalks } from "./store-walks.ts";
import { work } from "./tables.ts";

/** Dead letters of one target and error. */
interface DeadCause {
  messageId: number;
  /** The last of them. */
  newestId: number;
  count: number;
  target: string;
  error: string | null;
  /** Milliseconds. */
  since: number;
  attempts: number;
  fromId: string;
  subject: string | null;
}

interface CauseQuery {
  /** Newest dead letters that are looked at. */
  among?: number;
  /** Project of the threads that are looked at. */
  project?: string | undefined;
}

const inProject = (project: string): SQL =>
  sql`where ${hasFacet("thread", sql`coalesce(m.thread_id, m.id)`, { kind: "project", value: project })}`;

const insert = statement((q) => q.insert(work).values(everyColumn(work)).prepare());
const byId = rowsWhere(work, eq(work.messageId, bound("id")));
const byIds = rowsWhere(work, inList(work.messageId, "ids"));
/** The row of some work, if it is still as the write knew it. */
const asKnown = and(
  equal(work, "messageId"),
  sql`+${work.state} = ${bound("wasState")}`,
  sql`+${work.fence} = ${bound("wasFence")}`,
);
const claim = changeWhere(work, columns("state", "holder", "claimedAt", "dueAt", "leaseSeconds", "fence"), asKnown);
const end = changeWhere(
  work,
  {
    ...columns("state", "dueAt", "leaseSeconds", "attempts", "error", "endedAt", "endedUpTo", "claimedAt"),
    ...columns("completedBy", "resultId"),
    holder: null,
  },
  asKnown,
);
const newestHeld = columnsWhere(
  { id: work.messageId },
  work,
  and(equal(work, "holder"), eq(work.state, sql`'claimed'`)),
  { orderBy: desc(work.messageId), limit: 1 },
);
/** Work that is held until it expires is delayed, too: the time of that stands. */
const isDelayed = sql`${work.state} = 'delayed' and (${work.expiresAt} is null or ${work.dueAt} < ${work.expiresAt})`;
const times = byTime(work, "dueAt", isNotNull(work.dueAt));
const open = countWhere(work, sql`state = 'open'`);
const delayed = countWhere(work, sql`state = 'delayed'`);

/** The state of work and its leases. Every statement here is held to its index by a test. `head`: newest message at the start. */
export function createWorkStore(db: Db, head: number) {
  const held = db.keep("work held", (on, holder) => newestHeld(on).get({ holder })?.id ?? null);
  const rows = db.keep("work", (on, id: number) => byId(on).get({ id }));
  const rowOf = (on: ReadTx, id: number): WorkRow | undefined => rows.get(on, id);
  const attempts = createAttemptStore(db, head, rowOf);
  const openWork = createOpenWorkStore(db, rowOf);
  const { firstOpen } = openWork;

  /** Notes what a write has made of a row. Work that has ended is rarely asked for again. */
  function changed(row: WorkRow, before?: WorkRow): void {
    if (before?.state === "open") firstOpen.taken(before);
    if (row.state === "open") firstOpen.opened(row);
    if (row.endedAt === null) rows.set(row.messageId, row);
    else rows.forget(row.messageId);
  }

  /** Its newest work stays known through a claim, and through the end of older work. */
  function nowHolds(holder: string, id: number): void {
    const newest = held.peek(holder);
    if (newest === undefined) held.forget(holder);
    else held.set(holder, Math.max(newest ?? 0, id));
  }
  /**
   * Changes a row as memory knew it. Were memory wrong, work would be given twice: then nothing is stored, and memory begins anew.
   * @throws Error
   */
  function changeKnown(
    { run }: { run(values: Record<string, unknown>): unknown },
    before: WorkRow,
    row: WorkRow,
  ): void {
    const { changes } = run({ ...row, wasState: before.state, wasFence: before.fence }) as { changes: number };
    if (changes !== 1) {
      rows.forget();
      held.forget();
      firstOpen.forget();
      throw new Error(`Work ${row.messageId} is not ${before.state} with fence ${before.fence}, as memory says.`);
    }
    changed(row, before);
  }

  function holdsNoMore(holder: string, id: number): void {
    if ((held.peek(holder) ?? id) === id) held.forget(holder);
  }

  return {
    ...attempts,
    ...openWork,
    walks: workWalks,
    add: async (tx: Tx, row: WorkRow): Promise<void> => {
      insert(tx).run(row);
      changed(row);
    },
    byId: async (on: ReadTx, id: number): Promise<WorkRow | undefined> => rowOf(on, id),
    /** By message id, for those that are claimable. */
    byIds: async (on: ReadTx, ids: readonly number[]): Promise<Map<number, WorkRow>> =>
      new Map(
        ids.length
          ? byIds(on)
              .all({ ids: JSON.stringify(ids) })
              .map((row) => [row.messageId, row])
          : [],
      ),

    /** Gives open work to a holder. */
    claim: async (tx: Tx, open: WorkRow, holder: string, now: number, leaseSeconds: number): Promise<WorkRow> => {
      const dueAt = now + leaseSeconds * 1000;
      const fence = open.fence + 1;
      const row: WorkRow = { ...open, state: "claimed", holder, claimedAt: now, dueAt, leaseSeconds, fence };
      changeKnown(claim(tx), open, row);
      attempts.addWorker(tx, holder, row.messageId);
      nowHolds(holder, row.messageId);
      return row;
    },
    /** Ends a lease (or an open state): the new state, and when something happens next by itself. */
    move: async (tx: Tx, before: WorkRow, to: WorkMove): Promise<WorkRow> => {
      const { state, dueAt = null, endedAt = null, endedUpTo = null, completed } = to;
      const ended: WorkRow = {
        ...before,
        state,
        holder: null,
        dueAt,
        leaseSeconds: to.delaySeconds ?? before.leaseSeconds,
        attempts: to.attempts ?? before.attempts,
        error: to.error === undefined ? before.error : to.error,
        endedAt,
        endedUpTo,
        claimedAt: completed ? before.claimedAt : null,
        completedBy: completed?.by ?? null,
        resultId: completed?.resultId ?? null,
      };
      changeKnown(end(tx), before, ended);
      if (before.holder !== null) holdsNoMore(before.holder, before.messageId);
      return ended;
    },
    /** Deletes work that has ended, with its attempts. */
    removeOf: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(work).where(inIds(work.messageId, messageIds)).run();
      for (const id of messageIds) rows.forget(id);
      await attempts.removeAttemptsOf(tx, messageIds);
    },
    /** Notes the person behind an act on the work, and its time. */
    signedOff: async (
      tx: Tx,
      id: number,
      by: Partial<Pick<WorkRow, "cancelledPerson" | "requeuedPerson" | "requeuedAt">>,
    ): Promise<void> => {
      tx.db.update(work).set(by).where(eq(work.messageId, id)).run();
      rows.forget(id);
    },
    renew: async (tx: Tx, id: number, dueAt: number, leaseSeconds: number): Promise<void> => {
      tx.db.update(work).set({ dueAt, leaseSeconds }).where(eq(work.messageId, id)).run();
      rows.forget(id);
    },

    newestHeld: (on: ReadTx, holder: string): number | undefined => held.get(on, holder) ?? undefined,
    heldBy: async (on: ReadTx, holder: string, limit: number): Promise<WorkRow[]> =>
      readRows(on, work, and(eq(work.holder, holder), eq(work.state, "claimed")), {
        orderBy: asc(work.messageId),
        limit,
      }),
    /** Live leases, by message, beyond one of them. */
    liveLeases: async (on: ReadTx, holder: string, now: number, after: number, limit: number): Promise<WorkRow[]> =>
      readRows(
        on,
        work,
        and(
          eq(work.holder, holder),
          eq(work.state, "claimed"),
          // The signs keep the planner to the index by holder.
          sql`+${work.dueAt} > ${now}`,
          sql`+${work.messageId} > ${after}`,
        ),
        { orderBy: asc(work.messageId), limit },
      ),
    /** Work for one target that nobody holds, open or delayed, up to a place in the log. */
    waitingFor: async (on: ReadTx, target: string, upTo: number, limit: number): Promise<WorkRow[]> => {
      const of = (state: "open" | "delayed", room: number) =>
        room <= 0
          ? []
          : readRows(on, work, sql`target = ${target} and state = ${sql.raw(`'${state}'`)} and message_id <= ${upTo}`, {
              limit: room,
            });
      const open = of("open", limit);
      return [...open, ...of("delayed", limit - open.length)];
    },
    /** Work that nobody holds, open or delayed, counted up to a limit. */
    countWaiting: async (on: ReadTx, limit: number): Promise<number> =>
      Math.min(limit, open(on, { limit }) + delayed(on, { limit })),
    dead: async (on: ReadTx, before: number | undefined, limit: number): Promise<WorkRow[]> =>
      readRows(
        on,
        work,
        and(sql`state = 'dead'`, before === undefined ? undefined : sql`${work.messageId} < ${before}`),
        { orderBy: desc(work.messageId), limit },
      ),
    /** Causes of the newest dead letters, the most frequent first: target and error, with the first of each. */
    deadCauses: async (on: ReadTx, limit: number, { among = 20_000, project }: CauseQuery = {}) =>
      on.db.all<DeadCause>(sql`
        select min(w.message_id) as messageId, max(w.message_id) as newestId, count(*) as count, w.target as target, w.error as error,
          min(w.ended_at) as since, max(w.attempts) as attempts, m.from_id as fromId, m.subject as subject
        from (select * from work where state = 'dead' order by message_id desc limit ${sql.raw(String(among))}) w
        join messages m on m.id = w.message_id ${project === undefined ? sql`` : inProject(project)} group by w.target, w.error order by count(*) desc limit ${limit}`),
    /** Work in a state, newest first, among the next 20,000 pieces of work; `reached` is where those end, null at the end. */
    inState: async (on: ReadTx, state: WorkState, before: number, limit: number) => {
      const next = sql`${work.messageId} < ${before}`;
      const fits = (row: typeof work._.columns) => eq(row.state, state);
      const { rows, reached } = visitedPage(on, work, "messageId", { next, newestFirst: true, fits, limit });
      return { ids: rows.map((row) => row.messageId), reached };
    },

    earliest: times.earliest,
    ripe: times.ripe,
    /** Shortens leases and delays that reach further than requested, as they do after the clock was set back. */
    shorten: async (tx: Tx, now: number): Promise<void> => {
      const whole = sql`${now} + ${work.leaseSeconds} * 1000`;
      tx.db
        .update(work)
        .set({ dueAt: whole })
        .where(
          and(sql`${work.dueAt} > ${now}`, sql`${work.dueAt} > ${whole}`, or(eq(work.state, "claimed"), isDelayed)),
        )
        .run();
      rows.forget();
    },
    /** Leases that would end before `until` last until then. */
    extendLeases: async (tx: Tx, until: number): Promise<void> => {
      tx.db
        .update(work)
        .set({ dueAt: until })
        .where(and(isNotNull(work.dueAt), sql`${work.dueAt} < ${until}`, eq(work.state, "claimed")))
        .run();
      rows.forget();
    },
  };
}
