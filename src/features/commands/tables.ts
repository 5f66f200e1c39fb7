import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Command } from "../../protocol/commands.ts";
import type { AgentId } from "../../protocol/ids.ts";

/** Commands to orchestrators, by the delegations that carry them. The command itself is in the request, or in its approval. */
export const commands = sqliteTable(
  "commands",
  {
    delegationId: text("delegation_id").primaryKey(),
    orchestratorId: text("orchestrator_id").notNull(),
    do: text("do").$type<Command["do"]>().notNull(),
    /** Agent that asked, and its run. */
    agentId: text("agent_id").$type<AgentId>().notNull(),
    runId: text("run_id"),
    person: text("person"),
    approvalId: text("approval_id"),
    /** Session that it is about, or that a spawn has begun. */
    sessionId: text("session_id"),
    createdAt: integer("created_at").notNull(),
    endedAt: integer("ended_at"),
  },
  (t) => [
    index("commands_by_approval").on(t.approvalId).where(sql`approval_id is not null`),
    index("commands_by_session").on(t.sessionId).where(sql`session_id is not null`),
    index("commands_open_of_run").on(t.runId).where(sql`run_id is not null and ended_at is null`),
    index("commands_ended").on(t.endedAt).where(sql`ended_at is not null`),
  ],
);
