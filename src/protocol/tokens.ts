import { z } from "zod";
import { AgentId, reservedId } from "./agent-ids.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { PERSON_ROLES, PersonId } from "./people.ts";
import { SessionId } from "./sessions.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { Bool, line, listOf, PageQuery, Str, StrOrNull, Time, TimeInput, TimeOrNull } from "./wire.ts";

export const ROLES = ["operator", "member", "viewer", "agent", "enroll", "orchestrator", "integration"] as const;
export const Role = z.enum(ROLES).register(NAMED, { id: "Role" });
export type Role = z.infer<typeof Role>;

/** The name of an integration. */
export const Source = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]*$/, "has to be a source's name: lower-case letters, digits, and . _ - after the first")
  .max(64)
  .describe("A source of events.");

/** A pattern of groups an agent may put itself into: `tag:review`, `label:team-*`, `cap:*`, or `*` for all. */
export const GroupPattern = line(160).regex(
  /^(\*|(label|tag|cap):.+)$/,
  "is not label:…, tag:…, cap:… (with * at the end) or *",
);

/** Which fields belong to which roles. */
const FIELDS: Record<string, readonly string[]> = {
  agentId: ["agent", "orchestrator"],
  prefix: ["enroll", "orchestrator"],
  source: ["integration"],
  groups: ["agent", "orchestrator"],
  noneBut: ["agent"],
  personId: PERSON_ROLES,
  sessionId: ["agent"],
};
const OPTIONAL = new Set(["groups", "noneBut", "personId", "sessionId"]);

/** Each role has its own fields, all of them but the optional ones needed, and no others. */
function roleFlaws(
  draft: { role: string; agentId?: string | undefined } & Record<string, unknown>,
): [string, string][] {
  const { role, agentId } = draft;
  const flaws: [string, string][] = [];
  for (const [field, roles] of Object.entries(FIELDS)) {
    const isGiven = draft[field] !== undefined;
    if (isGiven && !roles.includes(role)) flaws.push([field, `belongs to role ${roles.join(" or ")} alone`]);
    if (!isGiven && roles.includes(role) && !OPTIONAL.has(field)) flaws.push([field, `role ${role} needs it`]);
  }
  if (role === "agent" && agentId && reservedId(agentId))
    flaws.push(["agentId", "is reserved; an operator's token writes as user"]);
  if (role === "orchestrator" && agentId && !agentId.startsWith("orchestrator-"))
    flaws.push(["agentId", "is not an orchestrator's agent: orchestrator-<id>"]);
  return flaws;
}

export const TokenId = z
  .string()
  .regex(/^tok_[a-z0-9]{1,40}$/, "has to be the id of a token, like tok_7k2m, not the token");

/**
 * `POST /v1/tokens`. `agentId` and `groups` belong to role `agent`, `prefix` to role `enroll`, `source` to role `integration`;
 * role `orchestrator` has an `agentId` (orchestrator-<id>), a `prefix` of what it may enroll, and `groups` that its own agent
 * may join (none by default). `personId` belongs to the roles of people, and may not have a weaker role than the token.
 */
export const TokenDraft = strictObject(() => ({
  role: Role,
  agentId: AgentId.optional(),
  groups: z.array(GroupPattern).max(64).optional(),
  prefix: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9._-]*$/,
      "has to be the beginning of an agent id: lower-case letters, digits, and . _ - after the first",
    )
    .max(100)
    .refine((prefix) => !reservedId(prefix) && prefix !== "orchestrator", "has to be another one: it is reserved")
    .optional(),
  source: Source.optional(),
  personId: PersonId.optional().describe("The person that it belongs to."),
  sessionId: SessionId.optional().describe(
    "A live session of the agent: the token ends with it, and acknowledges nothing. The orchestrator that runs it may make one.",
  ),
  noneBut: z
    .array(TokenId)
    .max(16)
    .optional()
    .describe("Refuse (409 conflict) while the agent has any other token. Tokens listed here do not count."),
  name: line(128).optional(),
  expiresAt: TimeInput.optional(),
}))
  .superRefine((draft, ctx) => {
    for (const [field, message] of roleFlaws(draft)) ctx.addIssue({ code: "custom", path: [field], message });
  })
  .register(NAMED, { id: "TokenDraft" });
export type TokenDraft = z.input<typeof TokenDraft>;

export const Token = named("Token", "What a token may do. The secret itself is stored only as a hash.", () => ({
  id: Str,
  role: Role,
  agentId: StrOrNull,
  groups: z.array(Str).nullable(),
  prefix: StrOrNull,
  source: StrOrNull,
  personId: StrOrNull,
  sessionId: StrOrNull,
  signIn: Bool.describe("A browser's sign-in; its name says which."),
  name: StrOrNull,
  createdAt: Time,
  expiresAt: TimeOrNull,
  lastUsedAt: TimeOrNull,
  revokedAt: TimeOrNull,
}));
export type Token = z.infer<typeof Token>;

export const NewToken = object(() => ({
  ...Token.shape,
  token: z.string().describe("The secret, shown this once."),
})).register(NAMED, { id: "NewToken" });
export type NewToken = z.infer<typeof NewToken>;

export const Paused = object(() => ({
  kind: z.enum(["webhook", "schedule", "push"]),
  id: Str,
  agentId: z.string().describe("Its owner."),
  taskId: z.string().optional().describe("For a push configuration, its task."),
})).describe("Something that a token had set up, paused until its owner resumes it with another token.");
export type Paused = z.infer<typeof Paused>;

export const RevokedToken = object(() => ({ ...Token.shape, paused: z.array(Paused) }));
export type RevokedToken = z.infer<typeof RevokedToken>;
export const TokenQuery = strictObject(() => ({
  agent: AgentId.optional().describe("Those that act for it."),
  ...PageQuery,
  page: TokenId.optional(),
}));
export const TokenList = listOf(Token).register(NAMED, { id: "TokenList" });

export const WhoAmI = named("WhoAmI", "Who the caller is.", () => ({
  tokenId: Str,
  role: Role,
  agentId: z.string().nullable().describe("In whose name this token acts."),
  groups: z.array(Str).nullable(),
  prefix: StrOrNull,
  source: StrOrNull,
  personId: z
    .string()
    .nullable()
    .describe("The person that the token belongs to; its role is the strongest that the token may have."),
  sessionId: z.string().nullable().describe("The session that the token was made for."),
  signIn: Bool.describe("The caller is a browser that signed in."),
  instance: z.object({
    given: StrOrNull,
    current: StrOrNull,
    fenced: z.boolean().describe("Whether this call named an instance, so that a newer one would cut it off."),
  }),
}));
export type WhoAmI = z.infer<typeof WhoAmI>;

const Path = strictObject(() => ({ id: TokenId }));
const contract = contracts("Tokens");

export const createToken = contract("createToken", "POST /v1/tokens", {
  summary: "Create a token",
  body: TokenDraft,
  example: { role: "agent", agentId: "reviewer", name: "laptop" },
  idempotent: true,
  answers: made(NewToken, "`token` is shown this once.", "Made before with this key: the same token."),
  problems: ["forbidden", "deleted", "conflict"],
});

export const listTokens = contract("listTokens", "GET /v1/tokens", {
  ...paged(TokenQuery, TokenList),
  summary: "List tokens, newest first, without their secrets",
});

export const revokeToken = contract("revokeToken", "DELETE /v1/tokens/{id}", {
  ...at(Path, RevokedToken, "Revoked."),
  summary: "Revoke a token; its streams close at once",
  description:
    "The webhooks, schedules, messages with a deliverAt and push configurations that it made are paused, and listed: of such " +
    "messages the newest 1,000. Browsers that a member's or a viewer's token signed in are signed out.",
  repeatable: true,
  problems: ["forbidden", "not-found", "conflict"],
});

export const whoAmI = contract("whoAmI", "GET /v1/whoami", {
  summary: "Get the caller's identity",
  answers: { 200: { description: "Rights of the token, and whether this call is fenced.", schema: WhoAmI } },
  problems: ["superseded"],
});
