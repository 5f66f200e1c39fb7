import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AnnouncementState } from "../../protocol/announcements.ts";
import type { AgentId, MessageId } from "../../protocol/ids.ts";

/** Results on their way to the requesters of runs: a row and one message each. */
export const announcements = sqliteTable(
  "announcements",
  {
    /** Order of lists. */
    number: integer("number").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    runId: text("run_id").notNull(),
    turnId: text("turn_id").notNull(),
    /** Agent of the run: the author of the message. */
    agentId: text("agent_id").$type<AgentId>().notNull(),
    /** As in `runs.requester`. */
    requester: text("requester").notNull(),
    /** RunRequester, as JSON. */
    requesterJson: text("requester_json").notNull(),
    /** Agent that it was sent to: the requester's, or the channel's. */
    target: text("target").$type<AgentId>(),
    /** AnnouncementRoute, as JSON. */
    route: text("route"),
    state: text("state").$type<AnnouncementState>().notNull(),
    reason: text("reason"),
    late: integer("late", { mode: "boolean" }).notNull(),
    messageId: integer("message_id").$type<MessageId>(),
    /** Strings, as JSON. */
    externalIds: text("external_ids").notNull(),
    createdAt: integer("created_at").notNull(),
    endedAt: integer("ended_at"),
    /** Person that dismissed it. */
    person: text("person"),
  },
  (t) => [
    uniqueIndex("announcements_by_id").on(t.id),
    index("announcements_of_run").on(t.runId, t.number),
    index("announcements_of_requester").on(t.requester, t.number),
    index("announcements_of_message").on(t.messageId).where(sql`message_id is not null`),
    index("announcements_sent_to").on(t.target, t.messageId).where(sql`state = 'sent'`),
    index("announcements_in_state").on(t.state, t.number).where(sql`state in ('waiting', 'sent', 'blocked')`),
    index("announcements_ended").on(t.endedAt).where(sql`ended_at is not null`),
  ],
);
