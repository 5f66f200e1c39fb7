import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { ApprovalRule } from "../../protocol/approval-rules.ts";
import type {
  ApprovalAnswer,
  ApprovalKind,
  ApprovalOption,
  ApprovalState,
  ApprovalSubject,
  AskedOf,
} from "../../protocol/approvals.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";

const isPending = sql`state = 'pending'`;

/** Questions to people, each with its exact subject. */
export const approvals = sqliteTable(
  "approvals",
  {
    /** Order in which they were asked: acts on many walk along it, also on a restored backup. */
    number: integer("number").primaryKey({ autoIncrement: true }),
    id: text("id").notNull().unique(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    runId: text("run_id"),
    rootRunId: text("root_run_id"),
    sessionId: text("session_id"),
    orchestratorId: text("orchestrator_id"),
    /** Of its run, else of its session, when it was asked. */
    project: text("project"),
    kind: text("kind").$type<ApprovalKind>().notNull(),
    subject: text("subject", { mode: "json" }).$type<ApprovalSubject>().notNull(),
    title: text("title").notNull(),
    cut: integer("cut", { mode: "boolean" }).notNull(),
    hash: text("hash").notNull(),
    options: text("options", { mode: "json" }).$type<ApprovalOption[]>().notNull(),
    default: text("default_option").notNull(),
    oneTap: integer("one_tap", { mode: "boolean" }).notNull(),
    conversation: text("conversation", { mode: "json" }).$type<Conversation>(),
    askedOf: text("asked_of", { mode: "json" }).$type<AskedOf[]>().notNull(),
    state: text("state").$type<ApprovalState>().notNull(),
    option: text("option"),
    text: text("text"),
    person: text("person"),
    via: text("via").$type<ApprovalAnswer["via"]>(),
    ruleId: text("rule_id"),
    answeredAt: integer("answered_at"),
    reason: text("reason"),
    appliedOk: integer("applied_ok", { mode: "boolean" }),
    appliedError: text("applied_error"),
    appliedAt: integer("applied_at"),
    count: integer("count").notNull(),
    meta: text("meta", { mode: "json" }).$type<Record<string, unknown>>(),
    expiresAt: integer("expires_at").notNull(),
    createdAt: integer("created_at").notNull(),
    endedAt: integer("ended_at"),
  },
  (t) => [
    index("approvals_by_agent").on(t.agentId, t.id),
    index("approvals_by_project").on(t.project, t.id).where(sql`project is not null`),
    index("approvals_pending").on(t.expiresAt).where(isPending),
    uniqueIndex("approvals_in_tree").on(t.rootRunId, t.hash).where(sql`state = 'pending' and root_run_id is not null`),
    index("approvals_ended").on(t.endedAt).where(sql`ended_at is not null`),
  ],
);

/** Agents and runs that wait for an approval: one asked first, others of its run tree asked the same. */
export const approvalAskers = sqliteTable(
  "approval_askers",
  {
    approvalId: text("approval_id").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    /** Empty without a run. */
    runId: text("run_id").notNull(),
    sessionId: text("session_id"),
  },
  (t) => [
    primaryKey({ columns: [t.approvalId, t.agentId, t.runId] }),
    index("approval_askers_by_agent").on(t.agentId),
    index("approval_askers_by_run").on(t.runId).where(sql`run_id <> ''`),
  ],
);

/** Decisions for approvals to come, by position. */
export const approvalRules = sqliteTable("approval_rules", {
  id: text("id").primaryKey(),
  position: integer("position").notNull(),
  agentId: text("agent_id").$type<AgentId>(),
  tool: text("tool").notNull(),
  match: text("match"),
  decision: text("decision").$type<ApprovalRule["decision"]>().notNull(),
  under: text("under"),
  person: text("person"),
  createdAt: integer("created_at").notNull(),
  /** Last change of more than its place. */
  changedAt: integer("changed_at"),
});
