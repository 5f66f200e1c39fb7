import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { Caps } from "./caps.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import { VersionText } from "./versions.ts";
import {
  int,
  jsonObject,
  line,
  listOf,
  MAX_ID_LENGTH,
  PageQuery,
  StrOrNull,
  Time,
  TimeInput,
  TimeOrNull,
  text,
} from "./wire.ts";

const META_BYTES = 64 * 1024;
/** Its agent's id begins so. */
const AGENT_PREFIX = "orchestrator-";

export const OrchestratorId = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]*$/,
    "has to be an orchestrator's id: lower-case letters, digits, and . _ - after the first",
  )
  .max(MAX_ID_LENGTH - AGENT_PREFIX.length)
  .describe("[a-z0-9][a-z0-9._-]*; its agent is orchestrator-<id>.");

export const OrchestratorStatus = namedEnum(
  "OrchestratorStatus",
  "draining: it keeps what it runs and starts nothing new. Any but online shows its agent as offline.",
  ["online", "draining", "offline"],
);
export type OrchestratorStatus = z.infer<typeof OrchestratorStatus>;

export const ApprovalMode = namedEnum(
  "ApprovalMode",
  "How spawns begin. ask: a person allows each one. open: who may, spawns. closed: none begins.",
  ["ask", "open", "closed"],
);
export type ApprovalMode = z.infer<typeof ApprovalMode>;

/** A kind of agent that it can start. */
export const Provider = strictObject(() => ({
  name: line(64),
  version: line(64).optional(),
  capabilities: z.array(line(128)).max(64),
}));
export type Provider = z.infer<typeof Provider>;

/** One agent that it runs. */
const managed = {
  agentId: AgentId,
  provider: line(64),
  sessionId: line(256).nullable().default(null),
  pid: z.int().min(1).nullable().default(null),
  cwd: text(4096).nullable().default(null),
  state: line(64).describe("As the orchestrator calls it: starting, running, idle, exited, ..."),
};
export const ManagedAgentReport = strictObject(() => ({ ...managed, startedAt: TimeInput.nullable().default(null) }));
export const ManagedAgent = object(() => ({ ...managed, startedAt: Time.nullable() }))
  .describe("One agent that it runs.")
  .register(NAMED, { id: "ManagedAgent" });
export type ManagedAgent = z.output<typeof ManagedAgent>;

/** Agents that may spawn: ids, or beginnings of ids with `*` at the end. */
const Spawner = line(MAX_ID_LENGTH).regex(
  /^([a-z0-9][a-z0-9._-]*\*?|\*)$/,
  "has to be an agent's id, the beginning of one with * at the end, or *",
);

/** Work of a daemon, as it says itself. */
export const Load = strictObject(() => ({
  sessions: int(0, 100_000).optional().describe("Sessions whose process lives."),
  working: int(0, 100_000).optional().describe("Sessions with a turn under way."),
  queued: int(0, 1_000_000).optional().describe("Messages that wait for a turn."),
  cpu: z.number().min(0).max(1).optional().describe("Share of its machine's processors in use."),
  memory: z.number().min(0).max(1).optional().describe("Share of its machine's memory in use."),
})).register(NAMED, { id: "OrchestratorLoad" });
export type Load = z.output<typeof Load>;

const hostname = line(MAX_ID_LENGTH).describe("Its machine. Its agent is named after it and carries it as a tag.");
const providers = z.array(Provider).max(32);
const baseDir = line(1024).describe("Where its agents work.");
const optional = {
  envKeys: z.array(line(128)).max(256).optional().describe("Names of environment variables that it can give."),
  approvalMode: ApprovalMode.optional().describe(
    "The daemon's, with its own token, or the operator's: the stricter holds. ask when it was never said.",
  ),
  spawners: z.array(Spawner).max(256).optional().describe("Agents that may spawn here. [] lets none."),
  caps: Caps.nullable().optional().describe("Limits for all its sessions."),
  meta: jsonObject(META_BYTES).nullable().optional(),
};

/** `PUT /v1/orchestrators/{id}`: of what may be left out, what is left out stays. */
export const OrchestratorRegistration = strictObject(() => ({
  ...{ hostname, version: VersionText, providers, baseDir, ...optional },
  instanceId: line(128).optional().describe("Names this registration; a new one supersedes the older."),
})).register(NAMED, { id: "OrchestratorRegistration" });
export type OrchestratorRegistration = z.input<typeof OrchestratorRegistration>;

/** `PATCH /v1/orchestrators/{id}`: what is left out stays, `[]` empties, `null` clears. */
export const OrchestratorPatch = strictObject(() => ({
  status: OrchestratorStatus.optional(),
  hostname: hostname.optional(),
  providers: providers.optional(),
  baseDir: baseDir.optional(),
  ...optional,
})).register(NAMED, { id: "OrchestratorPatch" });
export type OrchestratorPatch = z.input<typeof OrchestratorPatch>;

export const OrchestratorHeartbeat = strictObject(() => ({
  load: Load.optional(),
  version: VersionText.optional(),
  managedAgents: z.array(ManagedAgentReport).max(500).optional().describe("Left out: unchanged. []: none."),
})).register(NAMED, { id: "OrchestratorHeartbeat" });
export type OrchestratorHeartbeat = z.input<typeof OrchestratorHeartbeat>;
export type ParsedHeartbeat = z.output<typeof OrchestratorHeartbeat>;

export const Orchestrator = named("Orchestrator", "A daemon on a machine that starts and watches agents.", () => ({
  id: z.string(),
  hostname: z.string(),
  version: StrOrNull.describe("Version of its daemon."),
  status: OrchestratorStatus,
  stoppedAt: TimeOrNull.describe(
    "When it was stopped: by itself, or by an operator. Null while it is here, and when it is away without a word.",
  ),
  agentId: z.string(),
  prefix: StrOrNull.describe("Beginning of the ids of its agents, as its token says. Null while it has no token."),
  providers: z.array(Provider),
  baseDir: z.string(),
  envKeys: z.array(z.string()),
  approvalMode: ApprovalMode.describe("The one that holds: the stricter of both."),
  approvalModes: object(() => ({ daemon: ApprovalMode.nullable(), operator: ApprovalMode.nullable() })),
  spawners: z.array(z.string()),
  caps: Caps.nullable(),
  load: Load.nullable(),
  managedAgents: z.array(ManagedAgent),
  meta: z.record(z.string(), z.unknown()).nullable(),
  lastSeenAt: Time,
  createdAt: Time,
}));
export type Orchestrator = z.infer<typeof Orchestrator>;

export const OrchestratorQuery = strictObject(() => ({
  status: OrchestratorStatus.optional(),
  hostname: hostname.optional(),
  project: line(1024).optional().describe("With a live session there."),
  ...PageQuery,
  page: OrchestratorId.optional(),
}));
export type OrchestratorQuery = z.input<typeof OrchestratorQuery>;
export const OrchestratorList = listOf(Orchestrator).register(NAMED, { id: "OrchestratorList" });

const Path = strictObject(() => ({ id: OrchestratorId }));
const contract = contracts("Orchestrators");

export const registerOrchestrator = contract("registerOrchestrator", "PUT /v1/orchestrators/{id}", {
  summary: "Register an orchestrator and its agent, or register it again",
  description:
    "It is online; what it manages stays. Its agent is orchestrator-<id>, with the tags orchestrator and hostname and the capabilities orchestrator and spawn.",
  params: Path,
  body: OrchestratorRegistration,
  example: {
    hostname: "box-1",
    version: "0.2.0",
    providers: [{ name: "claude", version: "2.1.0", capabilities: [] }],
    baseDir: "/srv/agents",
  },
  repeatable: true,
  answers: made(Orchestrator, "New.", "Was there before."),
  problems: ["forbidden", "group-not-allowed", "superseded", "version-mismatch"],
});

export const listOrchestrators = contract("listOrchestrators", "GET /v1/orchestrators", {
  ...paged(OrchestratorQuery, OrchestratorList, "A page, by id. An orchestrator sees itself alone."),
  summary: "List orchestrators",
  problems: ["forbidden", "superseded"],
});

export const getOrchestrator = contract("getOrchestrator", "GET /v1/orchestrators/{id}", {
  ...at(Path, Orchestrator, "The orchestrator."),
  summary: "Get an orchestrator and what it manages",
  problems: ["forbidden", "superseded", "not-found"],
});

export const changeOrchestrator = contract("changeOrchestrator", "PATCH /v1/orchestrators/{id}", {
  ...at(Path, Orchestrator, "The orchestrator as it is now."),
  summary: "Change, drain or stop an orchestrator",
  body: OrchestratorPatch,
  example: { status: "draining" },
  repeatable: true,
  problems: ["forbidden", "group-not-allowed", "not-found", "superseded"],
});

export const deleteOrchestrator = contract("deleteOrchestrator", "DELETE /v1/orchestrators/{id}", {
  ...gone(Path, "Deleted."),
  summary: "Delete an orchestrator and its agent",
  description: "As deleting an agent: messages stay, streams close, tokens end, senders of unread messages are told.",
  problems: ["forbidden", "not-found", "superseded"],
});

export const orchestratorHeartbeat = contract("orchestratorHeartbeat", "POST /v1/orchestrators/{id}/heartbeat", {
  ...at(Path, Orchestrator, "The orchestrator as it is now."),
  summary: "Send an orchestrator's heartbeat, with what it manages",
  body: OrchestratorHeartbeat,
  example: { managedAgents: [] },
  bodyOptional: true,
  repeatable: true,
  problems: ["forbidden", "not-found", "superseded", "version-mismatch"],
});
