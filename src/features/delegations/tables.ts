import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { DelegationStatus, ParsedDelegation } from "../../protocol/delegations.ts";
import type { AgentId, MessageId, Target } from "../../protocol/ids.ts";

/** A request that waits for an approval. */
export interface HeldRequest {
  text: string;
  encoding: ParsedDelegation["encoding"];
  context?: ParsedDelegation["context"];
  payload?: ParsedDelegation["payload"];
  threadId?: number | null | undefined;
  causedBy?: null | undefined;
  relayed?: Record<string, unknown> | undefined;
  via: string | null;
  person: string | null;
}

const isOpen = sql`status in ('pending', 'claimed')`;

/** A request that owes an answer. Its text is in its message, its answer in the response; both go with their messages. */
export const delegations = sqliteTable(
  "delegations",
  {
    /** Message id of the request; the delegation's id is made of it. */
    messageId: integer("message_id").$type<MessageId>().primaryKey(),
    /** The notice that was its message while it waited for an approval; its id is made of this one, and stays. */
    firstId: integer("first_id").$type<MessageId>(),
    /** A person had to allow it. Without `first_id` it waits for that. */
    approvalId: text("approval_id"),
    /** The request while it waits for that; null for a command, whose request its approval says. */
    held: text("held", { mode: "json" }).$type<HeldRequest>(),
    fromId: text("from_id").$type<AgentId>().notNull(),
    target: text("target").$type<Target>().notNull(),
    /** Member of a group that works on it, or did last. */
    holder: text("holder").$type<AgentId>(),
    /** Run of its asker, whose tool asked. */
    runId: text("run_id"),
    parentId: text("parent_id"),
    rootId: text("root_id").notNull(),
    depth: integer("depth").notNull(),
    threadId: integer("thread_id").$type<MessageId>().notNull(),
    status: text("status").$type<DelegationStatus>().notNull(),
    queued: integer("queued", { mode: "boolean" }).notNull(),
    timeoutSeconds: integer("timeout_seconds").notNull(),
    deadlineAt: integer("deadline_at").notNull(),
    createdAt: integer("created_at").notNull(),
    endedAt: integer("ended_at"),
    /** The newest entry of the log at that moment. */
    endedUpTo: integer("ended_up_to"),
    /** Person that cancelled it. */
    cancelledPerson: text("cancelled_person"),
    answerId: integer("answer_id").$type<MessageId>(),
    /** `system` when no worker answered in time: a later answer is late. */
    answeredBy: text("answered_by"),
    answeredAt: integer("answered_at"),
    error: text("error"),
    late: integer("late", { mode: "boolean" }).notNull(),
    /** The answer that a tool has handed to the asker's model. */
    handedId: integer("handed_id").$type<MessageId>(),
  },
  (t) => [
    // Partial, over open ones: they are few. The index of trees leaves out roots.
    index("delegations_open_to").on(t.target, t.messageId).where(isOpen),
    // The status in it, so that counting them needs no row.
    index("delegations_open_from").on(t.fromId, t.messageId, t.status).where(isOpen),
    index("delegations_open_of_root")
      .on(t.rootId, t.messageId, t.status, t.parentId)
      .where(sql`parent_id is not null and ${isOpen}`),
    index("delegations_first").on(t.firstId).where(sql`first_id is not null`),
    index("delegations_due").on(t.deadlineAt).where(isOpen),
  ],
);
