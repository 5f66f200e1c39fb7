import { and, eq, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { columnsWhere, equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { AgentId, MessageId } from "../../protocol/ids.ts";
import type { Place } from "./place.ts";
import type { Rename } from "./store-moves.ts";
import { chatModels, topics } from "./tables.ts";

type TopicRow = typeof topics.$inferSelect;
type ModelRow = typeof chatModels.$inferSelect;

/** Names the index: with the statistics of a small table the planner would scan, and keep scanning as the table grows. */
const modelsByPlace = sql`${chatModels} indexed by sqlite_autoindex_channel_models_1`;

const models = columnsWhere(
  { threadId: sql<string>`${chatModels.threadId}`, model: sql<string>`${chatModels.model}` },
  modelsByPlace,
  and(equal(chatModels, "channelId", "conversationId"), sql`${chatModels.threadId} in ('', ${bound("threadId")})`),
);
const topic = rowsWhere(topics, eq(topics.messageId, bound("messageId")));

/** Choices that people made for chats. */
export function createChatStore() {
  const isAt = ({ channelId, conversationId, threadId }: Place) =>
    and(
      eq(chatModels.channelId, channelId),
      eq(chatModels.conversationId, conversationId),
      eq(chatModels.threadId, threadId),
    );

  return {
    /** Model of a thread, else of its chat. */
    model: async (on: ReadTx, { channelId, conversationId, threadId }: Place): Promise<string | undefined> => {
      const rows = models(on).all({ channelId, conversationId, threadId });
      return (rows.find((row) => row.threadId === threadId) ?? rows[0])?.model;
    },
    setModel: async (tx: Tx, row: ModelRow): Promise<void> => {
      const target = [chatModels.channelId, chatModels.conversationId, chatModels.threadId];
      tx.db.insert(chatModels).values(row).onConflictDoUpdate({ target, set: row }).run();
    },
    clearModel: async (tx: Tx, place: Place): Promise<void> => {
      tx.db.delete(chatModels).where(isAt(place)).run();
    },
    addTopic: async (tx: Tx, row: TopicRow): Promise<void> => {
      tx.db.insert(topics).values(row).run();
    },
    topic: async (on: ReadTx, messageId: MessageId): Promise<TopicRow | undefined> => topic(on).get({ messageId }),
    dropTopic: async (tx: Tx, messageId: MessageId): Promise<void> => {
      tx.db.delete(topics).where(eq(topics.messageId, messageId)).run();
    },
    /** Carries the choices of a chat to its new id, over those that are there. */
    carry: async (tx: Tx, channelId: AgentId, { from, to }: Rename): Promise<void> => {
      const of = (conversationId: string) =>
        and(eq(chatModels.channelId, channelId), eq(chatModels.conversationId, conversationId));
      const rows = tx.db.select().from(chatModels).where(of(from)).all();
      tx.db.delete(chatModels).where(of(from)).run();
      for (const row of rows)
        tx.db
          .insert(chatModels)
          .values({ ...row, conversationId: to })
          .onConflictDoNothing()
          .run();
    },
    /** Deletes the choices of a deleted channel. */
    drop: async (tx: Tx, channelId: AgentId): Promise<void> => {
      tx.db.delete(chatModels).where(eq(chatModels.channelId, channelId)).run();
    },
  };
}
