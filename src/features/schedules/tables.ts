import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, MessageId, Target, TokenId } from "../../protocol/ids.ts";
import type { Fire, ParsedScheduleMessage, Schedule, ScheduleRun } from "../../protocol/schedules.ts";

/** Messages to be sent at a time, once or by cron. When the next is due stands in `due` too. */
export const schedules = sqliteTable(
  "schedules",
  {
    id: text("id").primaryKey(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    /** The operator token that made it in this name. */
    via: text("via"),
    person: text("person"),
    name: text("name"),
    at: integer("at"),
    cron: text("cron"),
    timezone: text("timezone").notNull(),
    /** Target of the message as written: the schedule is disabled when that agent is deleted. */
    target: text("target").$type<Target>().notNull(),
    message: text("message", { mode: "json" }).$type<ParsedScheduleMessage>().notNull(),
    run: text("run", { mode: "json" }).$type<ScheduleRun>(),
    missed: text("missed").$type<Schedule["missed"]>().notNull(),
    enabled: integer("enabled", { mode: "boolean" }).notNull(),
    reason: text("reason"),
    nextAt: integer("next_at"),
    fires: integer("fires").notNull(),
    failures: integer("failures").notNull(),
    /** The message sent last: while its run goes on nothing more is sent. */
    lastMessageId: integer("last_message_id").$type<MessageId>(),
    /** End of a schedule of one time. */
    endedAt: integer("ended_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** The token that wrote the message, or resumed it: revoking that one pauses it. */
    tokenId: text("token_id").$type<TokenId>(),
  },
  (t) => [
    index("schedules_by_agent").on(t.agentId, t.id),
    index("schedules_by_token").on(t.tokenId),
    index("schedules_live").on(t.agentId).where(sql`ended_at is null`),
    index("schedules_by_target").on(t.target).where(sql`enabled = 1`),
    index("schedules_ended").on(t.endedAt).where(sql`ended_at is not null`),
  ],
);

/** The last times of each schedule, and their outcomes. */
export const scheduleFires = sqliteTable(
  "schedule_fires",
  {
    scheduleId: text("schedule_id").notNull(),
    n: integer("n").notNull(),
    scheduledAt: integer("scheduled_at").notNull(),
    firedAt: integer("fired_at").notNull(),
    missed: integer("missed").notNull(),
    outcome: text("outcome").$type<Fire["outcome"]>().notNull(),
    messageId: integer("message_id").$type<MessageId>(),
    /** Agent or person that ran it. */
    by: text("by"),
    person: text("person"),
    /** Why it was skipped. */
    reason: text("reason").$type<Fire["reason"]>(),
    error: text("error"),
    /** Approval that its message waits for, or waited for. */
    approvalId: text("approval_id"),
  },
  (t) => [
    primaryKey({ columns: [t.scheduleId, t.n] }),
    index("schedule_fires_by_message").on(t.messageId).where(sql`message_id is not null`),
  ],
);
