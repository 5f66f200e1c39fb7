import { and, asc, between, count, desc, eq, gt, min, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds, inList } from "../../kernel/db/lists.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { columnsWhere, equal, pick, rowsWhere } from "../../kernel/db/statements.ts";
import type { MessageId } from "../../protocol/ids.ts";
import { traces } from "./tables.ts";

export type TraceRow = typeof traces.$inferSelect;
/** A trace without its content. */
export type TraceHead = Pick<TraceRow, "id" | "number" | "level" | "type" | "agentId" | "bytes">;

export type TraceStore = ReturnType<typeof createTraceStore>;

const last = columnsWhere(pick(traces, "number", "bytesSoFar"), traces, equal(traces, "messageId"), {
  orderBy: desc(traces.number),
  limit: 1,
});
const countOf = columnsWhere(
  { traces: count(), bytes: sql<number>`coalesce(sum(${traces.bytes}), 0)` },
  traces,
  equal(traces, "messageId", "agentId"),
);
const heads = columnsWhere(
  pick(traces, "id", "number", "level", "type", "agentId", "bytes"),
  traces,
  and(equal(traces, "messageId"), gt(traces.number, bound("after"))),
  { orderBy: asc(traces.number), limit: "limit" },
);
const byIds = rowsWhere(traces, inList(traces.id, "ids"));

export function createTraceStore() {
  return {
    /** Number and total size of the traces of a message. */
    last: async (on: ReadTx, messageId: number): Promise<{ number: number; bytesSoFar: number }> =>
      last(on).get({ messageId }) ?? { number: 0, bytesSoFar: 0 },
    /** Number and total size of one agent's traces. */
    countOf: async (on: ReadTx, messageId: number, agentId: string): Promise<{ traces: number; bytes: number }> =>
      countOf(on).get({ messageId, agentId }) ?? { traces: 0, bytes: 0 },
    /** In the order given; answers their ids. */
    add: async (tx: Tx, rows: readonly Omit<TraceRow, "id">[]): Promise<TraceRow[]> =>
      rows.map((row) => tx.db.insert(traces).values(row).returning().get()),

    /** A message's traces after one of them, oldest first. */
    heads: async (on: ReadTx, messageId: MessageId, after: number, limit: number): Promise<TraceHead[]> =>
      heads(on).all({ messageId, after, limit }),
    /** By id. */
    rows: async (on: ReadTx, ids: readonly number[]): Promise<TraceRow[]> =>
      byIds(on)
        .all({ ids: JSON.stringify(ids) })
        .sort((a, b) => a.id - b.id),
    /** Traces of one message from one number to another. */
    between: async (on: ReadTx, messageId: number, first: number, to: number): Promise<TraceRow[]> =>
      readRows(on, traces, and(eq(traces.messageId, messageId), between(traces.number, first, to)), {
        orderBy: asc(traces.number),
      }),

    /** Agents that traced a message, with first time and count. */
    byAgent: async (on: ReadTx, messageId: number) =>
      on.db
        .select({ agentId: traces.agentId, at: min(traces.createdAt), traces: count() })
        .from(traces)
        .where(eq(traces.messageId, messageId))
        .groupBy(traces.agentId)
        .all(),

    /** Number of traces by message; messages without traces are left out. */
    counts: async (on: ReadTx, messageIds: readonly number[]): Promise<Map<number, number>> => {
      const rows = on.db.all<{ id: number; n: number | null }>(sql`
        select j.value as id, (select t.number from ${traces} t
          where t.message_id = j.value order by t.number desc limit 1) as n
        from json_each(${JSON.stringify(messageIds)}) j`);
      return new Map(rows.flatMap(({ id, n }) => (n === null ? [] : [[id, n]])));
    },
    removeOf: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(traces).where(inIds(traces.messageId, messageIds)).run();
    },
  };
}
