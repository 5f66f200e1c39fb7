import { z } from "zod";
import { AgentId, ChannelInfo, word } from "./agent-ids.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import { Bool, Int, jsonObject, line, listOf, PageQuery, Str, StrOrNull, Time, text } from "./wire.ts";

const META_BYTES = 64 * 1024;

export const AGENT_KINDS = ["provider", "user", "system", "channel", "orchestrator"] as const;
export const AgentKind = z.enum(AGENT_KINDS).register(NAMED, { id: "AgentKind" });
export type AgentKind = z.infer<typeof AgentKind>;

export const AgentStatus = z.enum(["online", "busy", "idle", "offline"]).register(NAMED, { id: "AgentStatus" });
export type AgentStatus = z.infer<typeof AgentStatus>;

export const Reach = namedEnum(
  "Reach",
  "When a message gets through: during a turn, between turns, or only when the agent asks.",
  ["mid-turn", "idle", "asked"],
);

export const AgentPath = strictObject(() => ({ id: AgentId }));

const words = z
  .array(word)
  .max(64)
  .transform((list) => [...new Set(list)]);

export const Skill = strictObject(() => ({ name: line(128), description: text(2048) }));

const fields = () => ({
  label: word.nullable().optional(),
  role: line(128).nullable().optional(),
  description: text(4096).nullable().optional(),
  skills: z.array(Skill).max(64).optional(),
  tags: words.optional(),
  capabilities: words.optional(),
  machine: word.nullable().optional(),
  rig: word.nullable().optional().describe("The harness it runs in: Claude Code, Codex, ..."),
  ready: z.boolean().optional().describe("false keeps it out of claims."),
  status: AgentStatus.optional(),
  reach: Reach.optional(),
  channel: ChannelInfo.optional(),
  meta: jsonObject(META_BYTES).nullable().optional(),
});

/** `PATCH /v1/agents/{id}`: what is left out stays, `[]` empties, `null` clears. */
export const AgentPatch = strictObject(fields).register(NAMED, { id: "AgentPatch" });
export type AgentPatch = z.input<typeof AgentPatch>;

/** `PUT /v1/agents/{id}`. */
export const AgentRegistration = strictObject(() => ({
  name: line(128),
  kind: z.enum(["provider", "channel"]).optional(),
  instanceId: line(128).optional().describe("Names this registration; a new one supersedes the older."),
  ...fields(),
})).register(NAMED, { id: "AgentRegistration" });
export type AgentRegistration = z.input<typeof AgentRegistration>;

export const Heartbeat = strictObject(() => ({
  status: AgentStatus.optional(),
  ready: z.boolean().optional(),
})).register(NAMED, { id: "Heartbeat" });
export type Heartbeat = z.input<typeof Heartbeat>;

export const Agent = named("Agent", "Anyone with an inbox.", () => ({
  id: Str,
  name: Str,
  kind: AgentKind,
  label: StrOrNull,
  role: StrOrNull,
  description: StrOrNull,
  skills: z.array(Skill),
  tags: z.array(Str),
  capabilities: z.array(Str),
  machine: StrOrNull,
  rig: StrOrNull,
  status: AgentStatus,
  ready: Bool,
  reach: Reach,
  instanceId: StrOrNull,
  epoch: z.int().describe("How many instances it has had."),
  connections: z.int().describe("Streams and sockets open now."),
  channel: ChannelInfo.nullable(),
  meta: z.record(Str, z.unknown()).nullable(),
  lastSeenAt: Time,
  createdAt: Time,
}));
export type Agent = z.infer<typeof Agent>;

/** The answer to a registration: with an enroll token, `token` is the agent's own, shown this once. */
export const RegisteredAgent = object(() => ({ ...Agent.shape, token: z.string().optional() })).register(NAMED, {
  id: "RegisteredAgent",
});
export type RegisteredAgent = z.infer<typeof RegisteredAgent>;

export const AgentQuery = strictObject(() => ({
  kind: AgentKind.optional(),
  status: AgentStatus.optional(),
  tag: word.optional(),
  capability: word.optional(),
  label: word.optional(),
  machine: word.optional(),
  project: line(1024).optional().describe("With a live session there, or one of its newest 500 runs. For people."),
  ...PageQuery,
  page: AgentId.optional(),
}));
export type AgentQuery = z.input<typeof AgentQuery>;

export const AgentList = listOf(Agent).register(NAMED, { id: "AgentList" });

/** An agent at a glance: what `hello` lists. */
export const RosterAgent = object(() => ({
  id: Str,
  name: Str,
  kind: Str,
  label: StrOrNull,
  role: StrOrNull,
  capabilities: z.array(Str),
  status: Str,
  ready: Bool,
  reach: Str,
  epoch: Int,
}));

export type RosterAgent = z.infer<typeof RosterAgent>;

/** Streams are told when an agent comes, goes, is ready again, or has its first or no connection. */
export const Presence = object(() => ({
  agentId: Str,
  status: Str,
  ready: Bool,
  epoch: Int,
  connections: z.int().describe("Open streams and sockets. Presence reports the first to open and the last to close."),
})).register(NAMED, { id: "Presence" });
export type Presence = z.infer<typeof Presence>;

const contract = contracts("Agents");

export const registerAgent = contract("registerAgent", "PUT /v1/agents/{id}", {
  summary: "Register an agent, or register it again",
  description:
    "Fields left out keep their value, [] empties, null clears. A new instanceId supersedes the older instance.",
  params: AgentPath,
  body: AgentRegistration,
  example: { name: "Reviewer", description: "Reviews pull requests", tags: ["review"], instanceId: "laptop-1" },
  repeatable: true,
  answers: made(
    RegisteredAgent,
    "New. With an enroll token: `token` is the agent's own, shown this once.",
    "Was there before.",
  ),
  problems: ["forbidden", "group-not-allowed", "superseded", "conflict", "deleted"],
});

export const listAgents = contract("listAgents", "GET /v1/agents", {
  ...paged(AgentQuery, AgentList, "A page, by id."),
  summary: "List agents",
  problems: ["forbidden", "superseded"],
});

export const getAgent = contract("getAgent", "GET /v1/agents/{id}", {
  ...at(AgentPath, Agent, "The agent."),
  summary: "Get an agent",
  problems: ["forbidden", "superseded", "not-found", "gone"],
});

export const changeAgent = contract("changeAgent", "PATCH /v1/agents/{id}", {
  ...at(AgentPath, Agent, "The agent as it is now."),
  summary: "Change an agent",
  body: AgentPatch,
  example: { tags: ["review", "docs"], ready: true },
  repeatable: true,
  problems: ["forbidden", "not-found", "gone", "superseded", "group-not-allowed"],
});

export const deleteAgent = contract("deleteAgent", "DELETE /v1/agents/{id}", {
  ...gone(AgentPath, "Deleted."),
  summary: "Delete an agent",
  description:
    "Its messages stay, and its id stays its own. Work for it alone is cancelled, a group's work that it held is open " +
    "again, its delegations fail, its streams close, its tokens end. Senders of what it never read are told once.",
  problems: ["forbidden", "not-found", "gone", "superseded"],
});

export const restoreAgent = contract("restoreAgent", "POST /v1/agents/{id}/restore", {
  ...at(AgentPath, Agent, "The agent as it is now."),
  summary: "Restore a deleted agent",
  description:
    "By an operator, or the orchestrator that deleted it. The same agent with the same mail, offline; its groups begin at " +
    "the head. Tokens, work, delegations, schedules, webhooks and bindings that ended stay ended. An orchestrator enrolls it again for a new token.",
  repeatable: true,
  problems: ["forbidden", "not-found", "gone"],
});

export const heartbeat = contract("heartbeat", "POST /v1/agents/{id}/heartbeat", {
  ...at(AgentPath, Agent, "The agent as it is now."),
  summary: "Send an agent's heartbeat",
  body: Heartbeat,
  example: { status: "busy" },
  bodyOptional: true,
  repeatable: true,
  problems: ["forbidden", "not-found", "gone", "superseded"],
});
