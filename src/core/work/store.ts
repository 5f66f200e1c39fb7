import { and, asc, desc, eq, isNotNull, lte, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds, inList } from "../../kernel/db/lists.ts";
import { readRows, visitedPage } from "../../kernel/db/reads.ts";
import { changeWhere, columns, columnsWhere, equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import type { WorkState } from "../../protocol/messages.ts";
import type { WorkMove, WorkRow } from "./row.ts";
import { createAttemptStore } from "./store-attempts.ts";
import { createOpenWorkStore } from "./store-open-work.ts";
import { work } from "./tables.ts";

/** Dead letters of one target and error. */
interface DeadCause {
  messageId: number;
  count: number;
  target: string;
  error: string | null;
  /** Milliseconds. */
  since: number;
  attempts: number;
  fromId: string;
  subject: string | null;
}

/** The state of work and its leases. Every statement here is held to its index by a test. */
export function createWorkStore(db: Db) {
  const attempts = createAttemptStore(db);
  const insert = db.statement((q) => q.insert(work).values(everyColumn(work)).prepare());
  const byId = rowsWhere(db, work, eq(work.messageId, bound("id")));
  const byIds = rowsWhere(db, work, inList(work.messageId, "ids"));
  const claim = changeWhere(
    db,
    work,
    { state: "claimed", fence: sql`${work.fence} + 1`, ...columns("holder", "claimedAt", "dueAt", "leaseSeconds") },
    eq(work.messageId, bound("id")),
  );
  const end = changeWhere(
    db,
    work,
    { ...columns("state", "dueAt", "attempts", "error", "endedAt", "endedUpTo"), holder: null, claimedAt: null },
    eq(work.messageId, bound("id")),
  );
  const newestHeld = columnsWhere(
    db,
    { id: work.messageId },
    work,
    and(equal(work, "holder"), eq(work.state, sql`'claimed'`)),
    { orderBy: desc(work.messageId), limit: 1 },
  );
  const earliest = columnsWhere(db, { at: work.dueAt }, work, isNotNull(work.dueAt), {
    orderBy: asc(work.dueAt),
    limit: 1,
  });
  const ripe = rowsWhere(db, work, and(isNotNull(work.dueAt), lte(work.dueAt, bound("now"))), {
    orderBy: asc(work.dueAt),
    limit: "limit",
  });

  const held = db.keep("work held", (on, holder) => newestHeld(on).get({ holder })?.id ?? null);

  return {
    ...attempts,
    ...createOpenWorkStore(db),
    add: async (tx: Tx, row: WorkRow): Promise<void> => {
      insert(tx).run(row);
    },
    byId: async (on: ReadTx, id: number): Promise<WorkRow | undefined> => byId(on).get({ id }),
    /** By message id, for those that are claimable. */
    byIds: async (on: ReadTx, ids: readonly number[]): Promise<Map<number, WorkRow>> =>
      new Map(
        ids.length
          ? byIds(on)
              .all({ ids: JSON.stringify(ids) })
              .map((row) => [row.messageId, row])
          : [],
      ),

    claim: async (tx: Tx, id: number, holder: string, now: number, leaseSeconds: number): Promise<void> => {
      claim(tx).run({ id, holder, claimedAt: now, leaseSeconds, dueAt: now + leaseSeconds * 1000 });
      held.forget(holder);
    },
    /** Ends a lease (or an open state): the new state, and when something happens next by itself. */
    move: async (tx: Tx, row: WorkRow, to: WorkMove): Promise<void> => {
      const { state, dueAt = null, attempts: used = row.attempts, error = row.error } = to;
      const { endedAt = null, endedUpTo = null } = to;
      end(tx).run({ id: row.messageId, state, dueAt, attempts: used, error, endedAt, endedUpTo });
      if (row.holder !== null) held.forget(row.holder);
    },
    /** Deletes work that has ended, with its attempts. */
    removeOf: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(work).where(inIds(work.messageId, messageIds)).run();
      await attempts.removeAttemptsOf(tx, messageIds);
    },
    /** Notes the person behind an act on the work. */
    signedOff: async (
      tx: Tx,
      id: number,
      persons: Partial<Pick<WorkRow, "cancelledPerson" | "requeuedPerson">>,
    ): Promise<void> => {
      tx.db.update(work).set(persons).where(eq(work.messageId, id)).run();
    },
    renew: async (tx: Tx, id: number, dueAt: number, leaseSeconds: number): Promise<void> => {
      tx.db.update(work).set({ dueAt, leaseSeconds }).where(eq(work.messageId, id)).run();
    },

    newestHeld: async (on: ReadTx, holder: string): Promise<number | undefined> => held.get(on, holder) ?? undefined,
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
    dead: async (on: ReadTx, before: number | undefined, limit: number): Promise<WorkRow[]> =>
      readRows(
        on,
        work,
        and(sql`state = 'dead'`, before === undefined ? undefined : sql`${work.messageId} < ${before}`),
        { orderBy: desc(work.messageId), limit },
      ),
    /** Causes of the newest 20,000 dead letters, the most frequent first: target and error, with the first of each. */
    deadCauses: async (on: ReadTx, limit: number) =>
      on.db.all<DeadCause>(sql`
        select min(w.message_id) as messageId, count(*) as count, w.target as target, w.error as error,
          min(w.ended_at) as since, max(w.attempts) as attempts, m.from_id as fromId, m.subject as subject
        from (select * from work where state = 'dead' order by message_id desc limit 20000) w
        join messages m on m.id = w.message_id group by w.target, w.error order by count(*) desc limit ${limit}`),
    /** Work in a state, newest first, among the next 20,000 pieces of work; `reached` is where those end, null at the end. */
    inState: async (on: ReadTx, state: WorkState, before: number, limit: number) => {
      const next = sql`${work.messageId} < ${before}`;
      const fits = (row: typeof work._.columns) => eq(row.state, state);
      const { rows, reached } = visitedPage(on, work, "messageId", { next, newestFirst: true, fits, limit });
      return { ids: rows.map((row) => row.messageId), reached };
    },

    earliest: async (on: ReadTx): Promise<number | null> => earliest(on).get()?.at ?? null,
    ripe: async (on: ReadTx, now: number, limit: number): Promise<WorkRow[]> => ripe(on).all({ now, limit }),
    /** Shortens leases that reach further than requested, as they do after the clock was set back. */
    shortenLeases: async (tx: Tx, now: number): Promise<void> => {
      const whole = sql`${now} + ${work.leaseSeconds} * 1000`;
      tx.db
        .update(work)
        .set({ dueAt: whole })
        .where(and(sql`${work.dueAt} > ${now}`, sql`${work.dueAt} > ${whole}`, eq(work.state, "claimed")))
        .run();
    },
    /** Leases that would end before `until` last until then. */
    extendLeases: async (tx: Tx, until: number): Promise<void> => {
      tx.db
        .update(work)
        .set({ dueAt: until })
        .where(and(isNotNull(work.dueAt), sql`${work.dueAt} < ${until}`, eq(work.state, "claimed")))
        .run();
    },
  };
}
