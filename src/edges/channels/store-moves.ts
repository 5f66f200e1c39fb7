import { and, eq, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readValues } from "../../kernel/db/reads.ts";
import { columnsWhere, equal } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { bindings, moves, posts } from "./tables.ts";

/** A change of a conversation's id. */
export interface Rename {
  from: string;
  to: string;
}

export type MoveRow = typeof moves.$inferSelect;

const movedTo = columnsWhere(
  { movedTo: moves.movedTo },
  moves,
  and(equal(moves, "channelId", "conversationId"), sql`active = 1`),
);

/** Moves of conversations, and the rows carried along. */
export function createMoveStore() {
  return {
    /** The conversation's current id. */
    now: async (on: ReadTx, channelId: AgentId, conversationId: string): Promise<string> =>
      movedTo(on).get({ channelId, conversationId })?.movedTo ?? conversationId,
    /** Former ids of the conversation and the current one. */
    names: async (on: ReadTx, channelId: AgentId, conversationId: string): Promise<string[]> => [
      conversationId,
      ...readValues(
        on,
        moves.conversationId,
        and(eq(moves.channelId, channelId), eq(moves.movedTo, conversationId), sql`active = 1`),
      ),
    ],
    isKnown: async (on: ReadTx, channelId: AgentId, externalId: string): Promise<boolean> =>
      readValues(on, moves.at, and(eq(moves.channelId, channelId), eq(moves.externalId, externalId))).length > 0,

    /** Makes this move the current one, and points earlier moves to its new id. */
    add: async (tx: Tx, row: MoveRow): Promise<void> => {
      const { channelId, conversationId: from, movedTo: to } = row;
      const live = (column: typeof moves.conversationId | typeof moves.movedTo, name: string) =>
        and(eq(moves.channelId, channelId), eq(column, name), sql`active = 1`);
      for (const name of [from, to])
        tx.db.update(moves).set({ active: false }).where(live(moves.conversationId, name)).run();
      tx.db.update(moves).set({ movedTo: to }).where(live(moves.movedTo, from)).run();
      tx.db.insert(moves).values(row).run();
    },

    /** Carries bindings. A binding of the new id to the same target stays as it is. */
    carryBindings: async (tx: Tx, channelId: AgentId, { from, to }: Rename): Promise<void> => {
      const own = and(eq(bindings.channelId, channelId), eq(bindings.conversationId, from));
      const isThere = sql`exists (select 1 from ${bindings} b where b.channel_id = ${channelId}
        and b.conversation_id = ${to} and b.thread_id = ${bindings.threadId} and b.target = ${bindings.target})`;
      tx.db.delete(bindings).where(and(own, isThere)).run();
      tx.db.update(bindings).set({ conversationId: to }).where(own).run();
    },
    /** Threads with waiting posts. */
    waitingThreads: async (on: ReadTx, channelId: AgentId, from: string): Promise<string[]> =>
      on.db
        .selectDistinct({ threadId: posts.threadId })
        .from(posts)
        .where(and(eq(posts.channelId, channelId), eq(posts.conversationId, from), sql`ended = 0`))
        .all()
        .map((row) => row.threadId),
    carryPosts: async (tx: Tx, channelId: AgentId, { from, to }: Rename): Promise<void> => {
      tx.db
        .update(posts)
        .set({ conversationId: to })
        .where(and(eq(posts.channelId, channelId), eq(posts.conversationId, from), sql`ended = 0`))
        .run();
    },
    carryPost: async (tx: Tx, messageId: number, to: string): Promise<void> => {
      tx.db.update(posts).set({ conversationId: to }).where(eq(posts.messageId, messageId)).run();
    },
  };
}
