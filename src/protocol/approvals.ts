import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, made, paged } from "./contract.ts";
import type { PersonId } from "./people.ts";
import { Conversation } from "./posts.ts";
import { RunId } from "./runs.ts";
import { NAMED, named, namedEnum, object, strictObject, words } from "./shape.ts";
import { spawnMembers } from "./spawns.ts";
import { Bool, Int, int, jsonObject, line, listOf, PageQuery, Str, StrOrNull, Time, TimeOrNull, text } from "./wire.ts";

export const ApprovalId = z
  .string()
  .regex(/^apr_[a-z0-9]{1,40}$/, "has to be the id of an approval, like apr_0mf3k2j1a7x2c9q4b0d8")
  .describe("apr_...");

export const APPROVAL_KINDS = ["permission", "spawn", "question", "access", "cap"] as const;
export const ApprovalKind = z.enum(APPROVAL_KINDS).register(NAMED, { id: "ApprovalKind" });
export type ApprovalKind = z.infer<typeof ApprovalKind>;

export const APPROVAL_STATES = ["pending", "answered", "expired", "withdrawn"] as const;
export const ApprovalState = namedEnum(
  "ApprovalState",
  "expired: nobody answered in time; that denies every kind but `question`. withdrawn: its maker needs it no more.",
  APPROVAL_STATES,
);
export type ApprovalState = z.infer<typeof ApprovalState>;

const Path4K = line(4096);

/** Files of one edit beside the first. */
export const MAX_FILES = 200;

/** Subject of an approval, exactly. Paths come after links are resolved. */
export const ApprovalSubject = z
  .discriminatedUnion("type", [
    strictObject(() => ({
      type: z.literal("command"),
      line: text(16_384),
      cwd: Path4K,
      envNames: z.array(line(256)).max(256).default([]),
    })),
    strictObject(() => ({
      type: z.literal("edit"),
      path: Path4K,
      also: z.array(Path4K).max(MAX_FILES).optional().describe("Further files of the same edit."),
      diff: text(49_152),
    })),
    strictObject(() => ({ type: z.literal("fetch"), url: line(8192) })),
    strictObject(() => ({
      type: z.literal("tool"),
      server: line(128),
      name: line(128),
      input: jsonObject(49_152),
    })),
    strictObject(() => ({ type: z.literal("spawn"), orchestratorId: line(128), ...spawnMembers() })),
    strictObject(() => ({ type: z.literal("question"), text: text(16_384) })),
    strictObject(() => ({ type: z.literal("access"), code: line(16), sender: line(512) })),
  ])
  .register(NAMED, { id: "ApprovalSubject" });
export type ApprovalSubject = z.output<typeof ApprovalSubject>;

/** Subjects that a kind may have. */
export const SUBJECTS_OF: Record<ApprovalKind, readonly ApprovalSubject["type"][]> = {
  permission: ["command", "edit", "fetch", "tool"],
  spawn: ["spawn"],
  question: ["question"],
  access: ["access"],
  cap: ["question"],
};

export const ApprovalDecision = z.enum(["allow", "deny", "answer"]).register(NAMED, { id: "ApprovalDecision" });
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

const OptionId = line(64);
export const MAX_OPTIONS = 24;
/** Option of a question that nobody answers. */
export const NO_ANSWER = "no-answer";
export const ApprovalOption = strictObject(() => ({
  id: OptionId,
  label: line(128),
  decision: ApprovalDecision,
  scope: z.enum(["once", "session", "always"]).optional().describe("For how long the maker takes it."),
})).register(NAMED, { id: "ApprovalOption" });
export type ApprovalOption = z.output<typeof ApprovalOption>;

/** `POST /v1/approvals`. */
export const ApprovalDraft = strictObject(() => ({
  agentId: AgentId.optional().describe("The agent that is blocked. The token's own when left out."),
  runId: RunId.optional().describe("The live run that is blocked. Its end withdraws the approval."),
  sessionId: line(128).optional(),
  kind: z.enum(["permission", "question", "cap"]).describe("The relay itself makes spawn and access."),
  subject: ApprovalSubject,
  title: line(256),
  options: z.array(ApprovalOption).min(1).max(MAX_OPTIONS),
  default: OptionId.describe("The option that holds when nobody answers."),
  oneTap: z
    .boolean()
    .default(true)
    .describe("false: allowed in the console and the command line alone, as is a subject in which characters hide."),
  expiresInSeconds: int(1, 604_800),
  conversation: object(() => Conversation.shape)
    .optional()
    .describe("The chat that the work came from."),
  meta: jsonObject(4096).optional(),
}))
  .superRefine((draft, ctx) => {
    for (const [path, message] of flawsOf(draft)) ctx.addIssue({ code: "custom", path, message });
  })
  .register(NAMED, { id: "ApprovalDraft" });
export type ApprovalDraft = z.input<typeof ApprovalDraft>;
export type ParsedApproval = z.output<typeof ApprovalDraft>;

type Draft = {
  kind: ApprovalKind;
  subject: { type: ApprovalSubject["type"] };
  options: readonly ApprovalOption[];
  default: string;
};

function* flawsOf({ kind, subject, options, default: chosen }: Draft): Generator<[(string | number)[], string]> {
  const types = SUBJECTS_OF[kind];
  if (!types.includes(subject.type)) yield [["subject", "type"], `has to be ${types.join(" or ")} for kind ${kind}`];
  const seen = new Set<string>();
  for (const [index, { id, decision }] of options.entries()) {
    if (seen.has(id)) yield [["options", index, "id"], "is there twice"];
    seen.add(id);
    if (kind !== "question" && decision === "answer")
      yield [["options", index, "decision"], `has to be allow or deny for kind ${kind}`];
  }
  const standing = options.find(({ id }) => id === chosen);
  if (!standing) yield [["default"], "is none of the options"];
  else if (kind !== "question" && standing.decision !== "deny") yield [["default"], "has to be an option that denies"];
}

export const ApprovalAnswer = named("ApprovalAnswer", "The decision on an approval.", () => ({
  option: Str,
  decision: ApprovalDecision,
  text: StrOrNull,
  person: z.string().nullable().describe("The person that decided."),
  via: z.enum(["api", "bulk", "button", "rule"]),
  at: Time,
  ruleId: StrOrNull,
}));
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>;

export const Approval = named("Approval", "A question to a person that blocks an agent.", () => ({
  id: ApprovalId,
  agentId: Str,
  runId: StrOrNull,
  sessionId: StrOrNull,
  orchestratorId: StrOrNull,
  project: StrOrNull.describe("Of its run, else of its session, when it was asked."),
  kind: ApprovalKind,
  subject: ApprovalSubject,
  title: Str,
  cut: Bool.describe("Too long for a chat, which shows its beginning and offers no button that allows it."),
  hash: Str.describe("SHA-256, hex, of `[kind, subject]` as JSON with sorted members. An answer names it."),
  options: z.array(ApprovalOption),
  default: Str,
  oneTap: Bool,
  conversation: Conversation.nullable(),
  askedOf: z
    .array(object(() => ({ personId: StrOrNull, conversation: z.union([z.literal("push"), Conversation]), at: Time })))
    .describe("Chats that were asked; `push`: the devices of the person."),
  state: ApprovalState,
  answer: ApprovalAnswer.nullable(),
  reason: z.string().nullable().describe("Why it was withdrawn, or expired."),
  applied: object(() => ({ ok: Bool, error: StrOrNull, at: Time }))
    .nullable()
    .describe("Whether the answer reached the agent, as its maker says."),
  count: Int.describe("How often the same was asked for in its run tree."),
  meta: z.record(Str, z.unknown()).nullable(),
  expiresAt: Time,
  createdAt: Time,
  endedAt: TimeOrNull,
}));
export type Approval = z.infer<typeof Approval>;

/** `data-approval` in the log of a run: as the approval, without a subject that is cut. */
export const ApprovalPart = object(() => ({
  ...Approval.pick({
    ...{ id: true, kind: true, title: true, cut: true, hash: true, options: true, default: true, oneTap: true },
    ...{ state: true, answer: true, applied: true, reason: true, expiresAt: true },
  }).shape,
  subject: ApprovalSubject.nullable(),
}));
export type ApprovalPart = z.infer<typeof ApprovalPart>;
export const ApprovalList = listOf(Approval).register(NAMED, { id: "ApprovalList" });

/** `payload.approval` of the `control` message to the maker. */
export const ApprovalControl = object(() => ({
  id: Str,
  runId: StrOrNull,
  sessionId: StrOrNull,
  state: ApprovalState,
  hash: Str,
  option: StrOrNull,
  decision: ApprovalDecision.nullable(),
  scope: z.enum(["once", "session", "always"]).nullable(),
  text: StrOrNull,
  reason: StrOrNull,
})).register(NAMED, { id: "ApprovalControl" });
export type ApprovalControl = z.infer<typeof ApprovalControl>;

export const ApprovalQuery = strictObject(() => ({
  state: ApprovalState.optional(),
  kind: ApprovalKind.optional(),
  agent: AgentId.optional(),
  run: RunId.optional(),
  project: line(1024).optional(),
  ...PageQuery,
  page: ApprovalId.optional(),
}));
export type ApprovalQuery = z.input<typeof ApprovalQuery>;

export const ApprovalReply = strictObject(() => ({
  option: OptionId,
  text: text(16_384).optional().describe("For an option that answers."),
  hash: line(64).describe("The hash of the approval that the person has read."),
})).register(NAMED, { id: "ApprovalReply" });
export type ApprovalReply = z.output<typeof ApprovalReply>;

export const ApprovalApplied = strictObject(() => ({ ok: z.boolean(), error: text(4096).optional() }));
export type ApprovalApplied = z.output<typeof ApprovalApplied>;
export const ApprovalWithdrawal = strictObject(() => ({ reason: line(512).optional() }));

const MAX_BULK = 500;
export const ApprovalBulk = strictObject(() => ({
  ids: z.array(ApprovalId).min(1).max(MAX_BULK),
  decision: z.enum(["allow", "deny"]),
})).register(NAMED, { id: "ApprovalBulk" });
export type ApprovalBulk = z.output<typeof ApprovalBulk>;
export const ApprovalBulkResult = object(() => ({
  answered: z.array(Str),
  refused: z.array(object(() => ({ id: Str, code: Str, detail: Str }))),
})).register(NAMED, { id: "ApprovalBulkResult" });
export type ApprovalBulkResult = z.infer<typeof ApprovalBulkResult>;

const Path = strictObject(() => ({ id: ApprovalId }));
const contract = contracts("Approvals");
const EXAMPLE: ApprovalDraft = {
  agentId: "builder",
  kind: "permission",
  subject: { type: "command", line: "npm publish", cwd: "/work/app", envNames: ["NPM_TOKEN"] },
  title: "Run npm publish",
  options: [
    { id: "yes", label: "Allow", decision: "allow", scope: "once" },
    { id: "no", label: "Deny", decision: "deny" },
  ],
  default: "no",
  expiresInSeconds: 3600,
};

export const createApproval = contract("createApproval", "POST /v1/approvals", {
  summary: "Ask a person to approve something",
  description:
    "By the agent that is blocked, or the orchestrator that enrolled it. A rule may decide it at once. The same subject in the " +
    "same run tree is one approval: it is answered again with a higher count. The maker hears of the end by a `control` message.",
  body: ApprovalDraft,
  example: EXAMPLE,
  idempotent: true,
  answers: made(Approval, "Made.", "Asked for before: the same approval."),
  problems: words("forbidden superseded not-open budget-exceeded idempotency-mismatch"),
});

export const listApprovals = contract("listApprovals", "GET /v1/approvals", {
  ...paged(ApprovalQuery, ApprovalList),
  summary: "List approvals, newest first",
  problems: ["forbidden", "superseded"],
});

export const getApproval = contract("getApproval", "GET /v1/approvals/{id}", {
  ...at(Path, Approval, "The approval."),
  summary: "Get an approval",
  problems: ["forbidden", "not-found", "superseded"],
});

export const answerApproval = contract("answerApproval", "POST /v1/approvals/{id}/answer", {
  ...at(Path, Approval, "Answered."),
  summary: "Answer an approval",
  description:
    "By operators and members. The first of answer, withdrawal and expiry decides; the same answer again is no change.",
  body: ApprovalReply,
  example: { option: "yes", hash: "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9" },
  repeatable: true,
  problems: ["forbidden", "not-found", "not-open"],
});

export const answerApprovals = contract("answerApprovals", "POST /v1/approvals/answer", {
  summary: "Answer many approvals at once",
  description:
    "Those that were not answered are listed with the reason. What is `cut` or not `oneTap` is not allowed in bulk.",
  body: ApprovalBulk,
  example: { ids: ["apr_0mf3k2j1a7x2c9q4b0d8"], decision: "deny" },
  repeatable: true,
  answers: { 200: { description: "Which were answered.", schema: ApprovalBulkResult } },
  problems: ["forbidden"],
});

export const applyApproval = contract("applyApproval", "POST /v1/approvals/{id}/applied", {
  ...at(Path, Approval, "Noted."),
  summary: "Report that the answer has reached the agent",
  body: ApprovalApplied,
  example: { ok: true },
  repeatable: true,
  problems: ["forbidden", "not-found", "not-open", "superseded"],
});

export const withdrawApproval = contract("withdrawApproval", "POST /v1/approvals/{id}/withdraw", {
  ...at(Path, Approval, "Withdrawn."),
  summary: "End an approval that is needed no more",
  body: ApprovalWithdrawal,
  example: { reason: "The agent went on without it." },
  bodyOptional: true,
  repeatable: true,
  problems: ["forbidden", "not-found", "not-open", "superseded"],
});

/** Person, and the chat or devices that are asked. */
export type AskedOf = { personId: z.infer<typeof PersonId> | null; conversation: Conversation | "push"; at: number };
