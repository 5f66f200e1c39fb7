import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { FacetQuery } from "./facets.ts";
import { OrchestratorId } from "./orchestrators.ts";
import { Place } from "./places.ts";
import { RunId, RunLink, RunUsage } from "./runs.ts";
import { NAMED, named, namedEnum, object, strictObject, words } from "./shape.ts";
import {
  Bool,
  Int,
  int,
  jsonObject,
  line,
  listOf,
  PageQuery,
  queryInt,
  Str,
  StrOrNull,
  Time,
  TimeInput,
  TimeOrNull,
  text,
} from "./wire.ts";

/** Lease of a session's native dialogue. Its orchestrator renews it. */
export const SESSION_LEASE_SECONDS = 120;

export const SessionId = z
  .string()
  .regex(/^ses_[a-z0-9]{1,40}$/, "has to be the id of a session, like ses_0mf3k2j1a7x2c9q4b0d8")
  .describe("ses_...");

export const SESSION_STATES = [
  ...(["starting", "working", "idle", "asking", "limited", "away", "stuck", "dead"] as const),
] as const;
export const SessionState = namedEnum(
  "SessionState",
  "asking: a person has to answer. limited: the provider refuses until a time. away: its machine is not heard of. dead: its process ended.",
  SESSION_STATES,
);
export type SessionState = z.infer<typeof SessionState>;
/** States that a daemon reports. The relay itself says `away`. */
const ReportedState = SessionState.exclude(["away"]);

export const SessionLane = namedEnum(
  "SessionLane",
  "main: the one that its place talks to. background: work beside it. peek: a look at another.",
  ["main", "background", "peek"],
);
export type SessionLane = z.infer<typeof SessionLane>;

/** Result that a session's last turn gave, as it was seen from outside. */
export const Seen = strictObject(() => ({
  exitCodes: z.array(Int).max(32).optional(),
  dirtyFiles: Int.min(0).optional(),
  unpushedCommits: Int.min(0).optional(),
  branch: line(512).optional(),
  head: line(64).optional(),
}));
export type Seen = z.infer<typeof Seen>;

const evidence = jsonObject(8192).describe("Facts that the state rests on.");

/** `PUT /v1/sessions/{id}`, by its orchestrator. Members left out keep their value; `null` clears. */
export const SessionDraft = strictObject(() => ({
  agentId: AgentId,
  provider: line(64),
  account: line(128).nullish().describe("Login that its provider counts limits for, as a digest or a name."),
  nativeId: line(256).nullish().describe("Null until the CLI's first event."),
  name: line(64).nullish(),
  lane: SessionLane,
  place: Place.nullish(),
  cwd: line(4096).nullish(),
  home: line(4096).nullish().describe("<machine>:<path> of the folder in which the CLI keeps its sessions."),
  project: line(1024).nullish(),
  tags: z.array(line(64)).max(32).optional(),
  model: line(256).nullish(),
  state: ReportedState,
  reason: text(2048).nullish().describe("One sentence for people."),
  evidence: evidence.nullish(),
  limitedUntil: TimeInput.nullish(),
  pid: int(1, 2 ** 31).nullish(),
  runId: RunId.nullish().describe("Run of its live turn."),
  queued: int(0, 100_000).optional().describe("Messages that wait for a turn."),
  usage: RunUsage.nullish(),
  links: z.array(RunLink).max(100).optional(),
  seen: Seen.nullish(),
  lastEventAt: TimeInput.nullish(),
  startedAt: TimeInput.optional(),
  fence: int(0, Number.MAX_SAFE_INTEGER).optional().describe("Fence of the lease; an older one is refused."),
})).register(NAMED, { id: "SessionDraft" });
export type SessionDraft = z.input<typeof SessionDraft>;
export type ParsedSession = z.output<typeof SessionDraft>;

export const Session = named("Session", "A dialogue kept by an agent CLI, with one writer at a time.", () => ({
  id: SessionId,
  agentId: Str,
  orchestratorId: Str,
  provider: Str,
  account: StrOrNull,
  nativeId: StrOrNull,
  name: StrOrNull,
  lane: SessionLane,
  place: Place.nullable(),
  cwd: StrOrNull,
  home: StrOrNull,
  project: StrOrNull,
  tags: z.array(Str),
  model: StrOrNull,
  state: SessionState,
  reason: StrOrNull,
  evidence: z.record(Str, z.unknown()).nullable(),
  limitedUntil: TimeOrNull,
  pid: Int.nullable(),
  runId: StrOrNull,
  queued: Int,
  waits: Int.describe("Its runs that wait for runs they asked for."),
  usage: RunUsage.nullable(),
  links: z.array(RunLink),
  seen: Seen.nullable(),
  lease: object(() => ({ fence: Int, expiresAt: Time, live: Bool }))
    .nullable()
    .describe("Null when no process writes it. A lease that ran out is not free."),
  startedAt: Time,
  since: Time.describe("When its state began."),
  lastEventAt: TimeOrNull,
  endedAt: TimeOrNull,
}));
export type Session = z.infer<typeof Session>;
export const SessionList = listOf(Session).register(NAMED, { id: "SessionList" });

/** News of a session for watchers and webhooks, at each change of its state. */
export const SessionChange = object(
  () =>
    Session.pick({
      ...{ id: true, agentId: true, orchestratorId: true, provider: true, name: true, lane: true, place: true },
      ...{ project: true, state: true, since: true, reason: true, limitedUntil: true, pid: true, runId: true },
      ...{ queued: true, waits: true, lastEventAt: true, endedAt: true },
    }).shape,
).register(NAMED, { id: "SessionChange" });
export type SessionChange = z.infer<typeof SessionChange>;

export const SessionQuery = strictObject(() => ({
  agent: AgentId.optional(),
  orchestrator: OrchestratorId.optional(),
  state: SessionState.optional(),
  lane: SessionLane.optional(),
  ...FacetQuery,
  live: z.enum(["true", "false"]).optional().describe("true: without dead ones."),
  ...PageQuery,
  page: SessionId.optional(),
}));
export type SessionQuery = z.input<typeof SessionQuery>;

/** `POST .../lease`. */
export const SessionLeaseDraft = strictObject(() => ({
  seenDead: z.boolean().default(false).describe("The orchestrator saw the former process dead."),
  force: z.boolean().default(false).describe("An operator says that nobody writes it."),
  leaseSeconds: int(10, 86_400).default(SESSION_LEASE_SECONDS),
}));
export type SessionLeaseDraft = z.input<typeof SessionLeaseDraft>;
export const SessionFence = strictObject(() => ({
  fence: int(0, Number.MAX_SAFE_INTEGER),
  leaseSeconds: int(10, 86_400).optional(),
}));
export type SessionFence = z.input<typeof SessionFence>;
export const SessionLeased = object(() => ({ fence: Int, expiresAt: Time })).register(NAMED, { id: "SessionLeased" });
export type SessionLeased = z.infer<typeof SessionLeased>;

const Path = strictObject(() => ({ id: SessionId }));
const contract = contracts("Sessions");

export const listSessions = contract("listSessions", "GET /v1/sessions", {
  ...paged(SessionQuery, SessionList, "A page, newest first."),
  summary: "List sessions",
  problems: ["forbidden", "superseded"],
});

export const getSession = contract("getSession", "GET /v1/sessions/{id}", {
  ...at(Path, Session, "The session."),
  summary: "Get a session",
  problems: ["forbidden", "not-found", "superseded"],
});

export const putSession = contract("putSession", "PUT /v1/sessions/{id}", {
  summary: "Report a session",
  description:
    "By the orchestrator that runs it. Unique by provider, home and nativeId. With a lease it names the fence; an older fence is refused.",
  params: Path,
  body: SessionDraft,
  example: { agentId: "box-claude", provider: "claude", lane: "main", place: "user", state: "starting" },
  repeatable: true,
  answers: made(Session, "New.", "Was there before."),
  problems: words("forbidden superseded conflict claim-lost budget-exceeded"),
});

export const leaseSession = contract("leaseSession", "POST /v1/sessions/{id}/lease", {
  ...at(Path, SessionLeased, "Leased."),
  summary: "Lease a session, to write its native dialogue",
  description:
    "One writer on all machines. The session's own orchestrator takes an ended lease back with `seenDead`; another takes it after a release, or when an operator forces it.",
  body: SessionLeaseDraft,
  example: { seenDead: true },
  bodyOptional: true,
  problems: words("forbidden not-found superseded already-claimed"),
});

export const renewSession = contract("renewSession", "POST /v1/sessions/{id}/renew", {
  ...at(Path, SessionLeased, "Renewed."),
  summary: "Renew the lease of a session",
  body: SessionFence,
  example: { fence: 3 },
  repeatable: true,
  problems: words("forbidden not-found superseded claim-lost"),
});

export const releaseSession = contract("releaseSession", "POST /v1/sessions/{id}/release", {
  ...at(Path, Session, "Released."),
  summary: "Release the lease of a session",
  body: SessionFence,
  example: { fence: 3 },
  repeatable: true,
  problems: words("forbidden not-found superseded claim-lost"),
});

/** `GET /v1/limits`. */
export const LimitPath = strictObject(() => ({ provider: line(64), account: line(128) }));
/** `PUT /v1/limits/{provider}/{account}`. */
export const LimitDraft = strictObject(() => ({
  type: line(64).describe("The provider's name of the window: five_hour, seven_day, primary, ..."),
  until: TimeInput,
  evidence,
  utilization: z.number().min(0).max(100).optional().describe("Percent of the window that is used."),
  rejected: z.boolean().default(true).describe("false: a warning; nothing is refused yet."),
})).register(NAMED, { id: "LimitDraft" });
export type LimitDraft = z.input<typeof LimitDraft>;
export type ParsedLimit = z.output<typeof LimitDraft>;
export const Limit = named("Limit", "A provider refuses an account until a time.", () => ({
  provider: Str,
  account: Str,
  type: Str,
  until: Time,
  evidence: z.record(Str, z.unknown()),
  utilization: z.number().nullable(),
  rejected: Bool,
  probe: object(() => ({ sessionId: Str, at: Time }))
    .nullable()
    .describe("Session that tries whether the provider answers again."),
  since: Time,
  reportedBy: z.array(Str).describe("Orchestrators that have reported it, the newest last."),
}));
export type Limit = z.infer<typeof Limit>;
/** News of a limit for watchers. */
export const LimitChange = object(() => ({ ...Limit.shape, cleared: Bool })).register(NAMED, { id: "LimitChange" });

/** `payload.limit` of the `control` message to an orchestrator. */
export interface LimitControl {
  provider: string;
  account: string;
  /** probe: try with this session, and delete the limit when the provider answered. free: go on. */
  do: "probe" | "free";
  sessionId: string | null;
}

export const LimitList = listOf(Limit).register(NAMED, { id: "LimitList" });
export const LimitQuery = strictObject(() => ({
  ...PageQuery,
  page: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
}));

const limits = contracts("Limits");
export const listLimits = limits("listLimits", "GET /v1/limits", {
  ...paged(LimitQuery, LimitList),
  summary: "List the limits that providers have set",
  problems: ["forbidden", "superseded"],
});
export const putLimit = limits("putLimit", "PUT /v1/limits/{provider}/{account}", {
  summary: "Report a limit of a provider",
  description:
    "By an orchestrator. One for each provider and account. Some time after `until` one of its sessions is asked to try; its success frees all.",
  params: LimitPath,
  body: LimitDraft,
  example: { type: "five_hour", until: "2026-12-01T14:05:00.000Z", evidence: { status: "rejected" } },
  repeatable: true,
  answers: made(Limit, "New.", "Was there before."),
  problems: words("forbidden superseded budget-exceeded"),
});
export const deleteLimit = limits("deleteLimit", "DELETE /v1/limits/{provider}/{account}", {
  ...gone(LimitPath, "Cleared: its sessions go on."),
  summary: "Clear a limit",
  description: "By an operator, or by the orchestrator whose session has tried with success.",
  problems: ["forbidden", "not-found", "superseded"],
});
