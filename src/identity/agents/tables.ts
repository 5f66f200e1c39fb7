import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { ChannelInfo } from "../../protocol/agent-ids.ts";
import type { AgentKind, AgentStatus } from "../../protocol/agents.ts";
import type { AgentId, InstanceId, Target } from "../../protocol/ids.ts";

export const agents = sqliteTable(
  "agents",
  {
    id: text("id").$type<AgentId>().primaryKey(),
    name: text("name").notNull(),
    kind: text("kind").$type<AgentKind>().notNull(),
    label: text("label"),
    role: text("role"),
    description: text("description"),
    skills: text("skills", { mode: "json" }).$type<{ name: string; description: string }[]>().notNull(),
    tags: text("tags", { mode: "json" }).$type<string[]>().notNull(),
    capabilities: text("capabilities", { mode: "json" }).$type<string[]>().notNull(),
    machine: text("machine"),
    rig: text("rig"),
    status: text("status").$type<AgentStatus>().notNull(),
    ready: integer("ready", { mode: "boolean" }).notNull(),
    reach: text("reach").$type<"mid-turn" | "idle" | "asked">().notNull(),
    instanceId: text("instance_id").$type<InstanceId>(),
    epoch: integer("epoch").notNull(),
    channel: text("channel", { mode: "json" }).$type<ChannelInfo>(),
    meta: text("meta", { mode: "json" }).$type<Record<string, unknown>>(),
    /** The member's cursor, and the time of its last ack. */
    cursor: integer("cursor").notNull(),
    ackedAt: integer("acked_at"),
    lastSeenAt: integer("last_seen_at").notNull(),
    createdAt: integer("created_at").notNull(),
    /** Set on a tombstone: the id stays this agent's for ever. */
    deletedAt: integer("deleted_at"),
    /** The agent in whose name it was deleted: an orchestrator restores what it deleted. */
    deletedBy: text("deleted_by"),
  },
  (t) => [index("agents_tombstones").on(t.deletedAt).where(sql`deleted_at is not null and name <> ''`)],
);

/** Every registration an agent has had, so that a retired one can be told from one that never was. */
export const instances = sqliteTable(
  "instances",
  {
    agentId: text("agent_id").$type<AgentId>().notNull(),
    instanceId: text("instance_id").$type<InstanceId>().notNull(),
    epoch: integer("epoch").notNull(),
    registeredAt: integer("registered_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.agentId, t.instanceId] })],
);

/** Memberships of agents in targets, from one place in the log (not included) to another (included). */
export const memberships = sqliteTable(
  "memberships",
  {
    agentId: text("agent_id").$type<AgentId>().notNull(),
    target: text("target").$type<Target>().notNull(),
    sinceId: integer("since_id").notNull(),
    untilId: integer("until_id"),
  },
  (t) => [
    primaryKey({ columns: [t.agentId, t.target, t.sinceId] }),
    index("memberships_by_target").on(t.target, t.agentId),
  ],
);

/** Current number of members of each target: stored, as every send answers with it. */
export const groups = sqliteTable("groups", {
  target: text("target").$type<Target>().primaryKey(),
  members: integer("members").notNull(),
});

/** When an agent acknowledged how far: at most one row a second. */
export const acks = sqliteTable(
  "acks",
  {
    agentId: text("agent_id").$type<AgentId>().notNull(),
    second: integer("second").notNull(),
    upTo: integer("up_to").notNull(),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.agentId, t.second] })],
);
