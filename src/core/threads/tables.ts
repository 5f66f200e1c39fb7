import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId } from "../../protocol/ids.ts";

/** One row for each thread. They follow the log, up to the mark `threads`. */
export const threads = sqliteTable(
  "threads",
  {
    id: integer("id").$type<MessageId>().primaryKey(),
    lastId: integer("last_id").$type<MessageId>().notNull(),
    replies: integer("replies").notNull(),
    /** Messages in it to `user`, without deleted ones: a reader's count is subtracted from it. */
    toUser: integer("to_user").notNull(),
    /** `user` has sent or got a message in it. */
    ofUser: integer("of_user", { mode: "boolean" }).notNull(),
    archived: integer("archived", { mode: "boolean" }).notNull(),
    title: text("title"),
    agentId: text("agent_id").$type<AgentId>(),
  },
  (t) => [
    // Roots come in the order of their ids, so both trees grow at their end.
    index("threads_by_activity").on(t.lastId),
    index("threads_of_user").on(t.lastId).where(sql`of_user`),
    index("threads_archived").on(t.lastId).where(sql`archived`),
    index("threads_titled").on(t.lastId).where(sql`title is not null`),
  ],
);

/** How far each person has read a thread; `user` where a token belongs to no person. */
export const threadReads = sqliteTable(
  "thread_reads",
  {
    threadId: integer("thread_id").$type<MessageId>().notNull(),
    person: text("person").notNull(),
    upTo: integer("up_to").$type<MessageId>().notNull(),
    /** Value of `to_user` at that place, without what was deleted since. */
    seen: integer("seen").notNull(),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.threadId, t.person] })],
);
