import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId, Target } from "../../protocol/ids.ts";
import type { Severity, TaskStatus } from "../../protocol/tasks.ts";

export const tasks = sqliteTable(
  "tasks",
  {
    id: text("id").primaryKey(),
    /** The integration that reported it; null when it was made by hand. */
    source: text("source"),
    fromId: text("from_id").$type<AgentId>().notNull(),
    title: text("title").notNull(),
    body: text("body").notNull(),
    status: text("status").$type<TaskStatus>().notNull(),
    severity: text("severity").$type<Severity>().notNull(),
    dedupeKey: text("dedupe_key"),
    externalUrl: text("external_url"),
    target: text("target").$type<Target>(),
    topic: text("topic"),
    /** JSON text, as it goes out. */
    payload: text("payload"),
    count: integer("count").notNull(),
    /** Its message: the newest one, when it was reopened. */
    messageId: integer("message_id").$type<MessageId>(),
    holder: text("holder").$type<AgentId>(),
    /** Approval that its newest message waits for, or waited for. */
    approvalId: text("approval_id"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** Position of its source, in the source's own counting: an older end comes late. */
    asOf: integer("as_of"),
    /** When it was done, failed or cancelled. */
    endedAt: integer("ended_at"),
  },
  (t) => [
    uniqueIndex("tasks_by_key").on(t.source, t.dedupeKey).where(sql`dedupe_key is not null`),
    uniqueIndex("tasks_by_message").on(t.messageId).where(sql`message_id is not null`),
    index("tasks_by_status").on(t.status, t.id),
    index("tasks_by_source").on(t.source, t.id).where(sql`source is not null`),
    index("tasks_by_target").on(t.target, t.id).where(sql`target is not null`),
    index("tasks_by_holder").on(t.holder, t.id).where(sql`holder is not null`),
    index("tasks_by_maker").on(t.fromId, t.id).where(sql`source is null`),
    index("tasks_ended").on(t.endedAt, t.id).where(sql`ended_at is not null`),
  ],
);

/** Steps of tasks, one row each. */
export const taskEvents = sqliteTable(
  "task_events",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    taskId: text("task_id").notNull(),
    at: integer("at").notNull(),
    actor: text("actor").notNull(),
    person: text("person"),
    /** null for the first step. */
    fromStatus: text("from_status").$type<TaskStatus>(),
    toStatus: text("to_status").$type<TaskStatus>().notNull(),
    note: text("note"),
    messageId: integer("message_id").$type<MessageId>(),
    /** A step that repeats itself is one row: how often, and when last. */
    count: integer("count").notNull(),
    lastAt: integer("last_at").notNull(),
  },
  (t) => [
    index("task_events_by_task").on(t.taskId, t.id),
    index("task_events_by_message").on(t.messageId, t.id).where(sql`message_id is not null`),
  ],
);
