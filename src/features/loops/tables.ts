import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId, Target } from "../../protocol/ids.ts";
import type { LoopKind } from "../../protocol/loops.ts";

/** Chains and threads in which agents answered each other for too long. */
export const loops = sqliteTable(
  "loops",
  {
    rootId: integer("root_id").$type<MessageId>().notNull(),
    kind: text("kind").$type<LoopKind>().notNull(),
    /** The message that was one too many. The row goes with it. */
    messageId: integer("message_id").$type<MessageId>().notNull(),
    fromId: text("from_id").$type<AgentId>().notNull(),
    target: text("target").$type<Target>().notNull(),
    streak: integer("streak").notNull(),
    pausedAt: integer("paused_at").notNull(),
    /** When people were last told of it. */
    toldAt: integer("told_at").notNull(),
    resumedAt: integer("resumed_at"),
    resumedBy: text("resumed_by"),
    resumedPerson: text("resumed_person"),
    /** What was said up to here counts no more. */
    resumedUpTo: integer("resumed_up_to"),
  },
  (t) => [primaryKey({ columns: [t.rootId, t.kind] }), index("loops_by_message").on(t.messageId)],
);
