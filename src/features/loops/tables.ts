import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId, Target } from "../../protocol/ids.ts";
import type { LoopKind } from "../../protocol/loops.ts";

/** Chains and threads in which agents answered each other for too long. */
export const loops = sqliteTable(
  "loops",
  {
    rootId: integer("root_id").$type<MessageId>().notNull(),
    kind: text("kind").$type<LoopKind>().notNull(),
    /** Message that reached the limit. The row goes with it. */
    messageId: integer("message_id").$type<MessageId>().notNull(),
    fromId: text("from_id").$type<AgentId>().notNull(),
    target: text("target").$type<Target>().notNull(),
    streak: integer("streak").notNull(),
    pausedAt: integer("paused_at").notNull(),
    /** Time of the last notice. */
    toldAt: integer("told_at").notNull(),
    resumedAt: integer("resumed_at"),
    resumedBy: text("resumed_by"),
    resumedPerson: text("resumed_person"),
    /** Messages up to this id count no more. */
    resumedUpTo: integer("resumed_up_to"),
  },
  (t) => [primaryKey({ columns: [t.rootId, t.kind] }), index("loops_by_message").on(t.messageId)],
);
