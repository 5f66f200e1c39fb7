import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { Caps, ProfileName } from "./caps.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { OrchestratorId } from "./orchestrators.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { Bool, int, line, listOf, PageQuery, Str, StrOrNull, Time, text } from "./wire.ts";

export const STUCK_STEPS = ["tell", "nudge", "interrupt", "restart"] as const;
/** One step against a session that is stuck. */
export const StuckStep = strictObject(() => ({
  do: z.enum(STUCK_STEPS),
  afterSeconds: int(1, 86_400).describe("Seconds after it became stuck."),
}));

export const OnLimit = z
  .union([z.literal("wait"), strictObject(() => ({ handOver: ProfileName }))])
  .describe("At a limit of its provider work waits, or goes on by another profile, for another provider.");

const desired = z.enum(["running", "onDemand", "stopped"]);
const ProfileAgent = strictObject(() => ({ agentId: AgentId, orchestratorId: OrchestratorId, desired }));

/** `PUT /v1/profiles/{name}`: the whole profile. */
export const ProfileDraft = strictObject(() => ({
  provider: line(64),
  model: line(256).nullish(),
  systemPrompt: text(64 * 1024).nullish(),
  tools: strictObject(() => ({
    allow: z.array(line(512)).max(256).optional(),
    deny: z.array(line(512)).max(256).optional(),
  })).nullish(),
  cwd: line(4096).nullish(),
  worktree: z.boolean().nullish().describe("New sessions work in git worktrees of their own."),
  caps: Caps.nullish(),
  onLimit: OnLimit.default("wait"),
  onStuck: z.array(StuckStep).max(8).optional().describe("Left out: tell, at once."),
  agents: z.array(ProfileAgent).max(64).optional(),
  restart: strictObject(() => ({
    policy: z.enum(["always", "onFailure", "never"]),
    maxPerHour: int(1, 60).default(6),
  })).optional(),
})).register(NAMED, { id: "ProfileDraft" });
export type ProfileDraft = z.input<typeof ProfileDraft>;
export type ParsedProfile = z.output<typeof ProfileDraft>;

export const Profile = named("Profile", "How an agent is started, and what is wanted of it.", () => ({
  name: Str,
  provider: Str,
  model: StrOrNull,
  systemPrompt: StrOrNull,
  tools: object(() => ({ allow: z.array(Str).optional(), deny: z.array(Str).optional() })).nullable(),
  cwd: StrOrNull,
  worktree: Bool.nullable(),
  caps: Caps.nullable(),
  onLimit: OnLimit,
  onStuck: z.array(StuckStep),
  agents: z.array(ProfileAgent),
  restart: object(() => ({ policy: z.enum(["always", "onFailure", "never"]), maxPerHour: z.int() })),
  updatedAt: Time,
}));
export type Profile = z.infer<typeof Profile>;
export const ProfileList = listOf(Profile).register(NAMED, { id: "ProfileList" });
export const ProfileQuery = strictObject(() => ({
  orchestrator: OrchestratorId.optional().describe("Those that name an agent there."),
  ...PageQuery,
  page: ProfileName.optional(),
}));

const Path = strictObject(() => ({ name: ProfileName }));
const contract = contracts("Profiles");
export const listProfiles = contract("listProfiles", "GET /v1/profiles", {
  ...paged(ProfileQuery, ProfileList, "A page, by name."),
  summary: "List profiles",
  problems: ["forbidden", "superseded"],
});
export const getProfile = contract("getProfile", "GET /v1/profiles/{name}", {
  ...at(Path, Profile, "The profile."),
  summary: "Get a profile",
  problems: ["forbidden", "not-found", "superseded"],
});
export const putProfile = contract("putProfile", "PUT /v1/profiles/{name}", {
  summary: "Make or replace a profile",
  description: "By an operator. The daemons of the orchestrators that it names hear of it.",
  params: Path,
  body: ProfileDraft,
  example: { provider: "claude", agents: [{ agentId: "box-claude", orchestratorId: "box", desired: "onDemand" }] },
  repeatable: true,
  answers: made(Profile, "New.", "Replaced."),
  problems: ["forbidden"],
});
export const deleteProfile = contract("deleteProfile", "DELETE /v1/profiles/{name}", {
  ...gone(Path, "Deleted. What runs by it goes on."),
  summary: "Delete a profile",
  problems: ["forbidden", "not-found"],
});
