import { and, desc, eq, isNotNull, isNull, lt, ne, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { columnsWhere, equal, pick, rowsWhere } from "../../kernel/db/statements.ts";
import type { AgentId, Target, TokenId } from "../../protocol/ids.ts";
import type { ScheduledRow } from "./row.ts";
import { scheduled, type Waits } from "./tables.ts";

/** A plan that was paused. */
export type Stopped = Pick<ScheduledRow, "id" | "fromId" | "target">;
export type ScheduledStore = ReturnType<typeof createScheduledStore>;

// Queried by every send that has a key.
const byKey = rowsWhere(scheduled, and(equal(scheduled, "fromId"), eq(scheduled.idempotencyKey, bound("key"))));
const anyKey = columnsWhere(
  pick(scheduled, "id"),
  scheduled,
  and(equal(scheduled, "fromId"), isNotNull(scheduled.idempotencyKey)),
  { limit: 1 },
);

/** Plans that go out by themselves: those that wait for a person end with their approval. */
const isPlanned = and(isNull(scheduled.messageId), isNull(scheduled.error), isNull(scheduled.waits));

export function createScheduledStore(db: Db) {
  /** Most senders plan nothing under a key. */
  const hasKeys = db.keep("senders of plans", (on, fromId): boolean => anyKey(on).get({ fromId }) !== undefined);

  return {
    add: async (tx: Tx, row: ScheduledRow): Promise<void> => {
      tx.db.insert(scheduled).values(row).run();
      hasKeys.forget(row.fromId);
    },
    byKey: (on: ReadTx, fromId: string, key: string): ScheduledRow | undefined =>
      hasKeys.get(on, fromId) ? byKey(on).get({ fromId, key }) : undefined,
    byId: async (on: ReadTx, id: string): Promise<ScheduledRow | undefined> =>
      on.db.select().from(scheduled).where(eq(scheduled.id, id)).get(),
    ended: async (tx: Tx, id: string, how: { messageId: number } | { error: string }): Promise<void> => {
      tx.db.update(scheduled).set(how).where(eq(scheduled.id, id)).run();
    },
    wait: async (tx: Tx, id: string, waits: Waits): Promise<void> => {
      tx.db.update(scheduled).set({ waits }).where(eq(scheduled.id, id)).run();
    },
    byMessage: async (on: ReadTx, messageId: number): Promise<ScheduledRow | undefined> =>
      on.db.select().from(scheduled).where(eq(scheduled.messageId, messageId)).get(),
    /** Newest first; ids sort by time of making. */
    unsent: async (
      on: ReadTx,
      fromId: AgentId | undefined,
      before: string | undefined,
      limit: number,
    ): Promise<ScheduledRow[]> =>
      readRows(
        on,
        scheduled,
        and(
          isNull(scheduled.messageId),
          fromId === undefined ? undefined : eq(scheduled.fromId, fromId),
          before === undefined ? undefined : lt(scheduled.id, before),
        ),
        { orderBy: desc(scheduled.id), limit },
      ),
    /** Plans made or resumed with a token, newest first. */
    madeBy: async (on: ReadTx, tokenId: string, limit: number): Promise<ScheduledRow[]> =>
      readRows(on, scheduled, and(eq(scheduled.tokenId, tokenId as TokenId), isPlanned), {
        orderBy: desc(scheduled.id),
        limit,
      }),
    /** Authors of the plans that a token has made and that are not sent. */
    authorsOf: async (on: ReadTx, tokenId: string): Promise<AgentId[]> => {
      const own = and(eq(scheduled.tokenId, tokenId as TokenId), isPlanned);
      const rows = on.db.selectDistinct({ fromId: scheduled.fromId }).from(scheduled).where(own).all();
      return rows.map(({ fromId }) => fromId);
    },
    /** Pauses plans of an author made with a token, or for a target; answers those that were not paused before, oldest first. */
    async pause(
      tx: Tx,
      of: { tokenId: string; fromId: AgentId } | { target: string },
      why: string,
    ): Promise<Stopped[]> {
      const whose =
        "tokenId" in of
          ? and(eq(scheduled.tokenId, of.tokenId as TokenId), eq(scheduled.fromId, of.fromId))
          : and(eq(scheduled.target, of.target as Target), ne(scheduled.fromId, of.target as AgentId));
      const stopped = tx.db
        .update(scheduled)
        .set({ paused: why })
        .where(and(whose, isPlanned, isNull(scheduled.paused)))
        .returning({ id: scheduled.id, fromId: scheduled.fromId, target: scheduled.target })
        .all();
      return stopped.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    },
    resume: async (tx: Tx, id: string, how: Pick<ScheduledRow, "deliverAt" | "tokenId">): Promise<void> => {
      tx.db
        .update(scheduled)
        .set({ ...how, paused: null })
        .where(eq(scheduled.id, id))
        .run();
    },
    /** Messages that wait for a person are left out: their approval ends them. */
    removeUnsentOf: async (tx: Tx, fromId: string): Promise<void> => {
      tx.db
        .delete(scheduled)
        .where(and(eq(scheduled.fromId, fromId), isNull(scheduled.messageId), isNull(scheduled.waits)))
        .run();
      hasKeys.forget(fromId);
    },
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(scheduled).where(eq(scheduled.id, id)).run();
      hasKeys.forget();
    },
    /** Deletes the plans that became these messages. */
    removeOf: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(scheduled).where(inIds(scheduled.messageId, messageIds)).run();
      hasKeys.forget();
    },
    /** Deletes at most `limit` plans before a time that could not be sent, or that nobody resumed. Answers the count. */
    thin: async (tx: Tx, before: number, limit: number): Promise<number> => {
      const { changes } = tx.db.run(sql`
        delete from scheduled_messages where id in (
          select id from scheduled_messages
          where (error is not null or paused is not null) and deliver_at < ${before} limit ${limit})`) as unknown as {
        changes: number;
      };
      hasKeys.forget();
      return changes;
    },
  };
}
