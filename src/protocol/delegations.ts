import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { DelegationContext } from "./delegation-context.ts";
import { BODY_BYTES, JSON_BYTES, MAX_DEPTH } from "./limits.ts";
import { TargetText } from "./messages.ts";
import { NAMED, named, namedEnum, object, strictObject, words } from "./shape.ts";
import {
  Encoding,
  EncodingInput,
  int,
  jsonObject,
  listOf,
  MessageId,
  NumberPageQuery,
  queryInt,
  Str,
  StrOrNull,
  Time,
  TimeOrNull,
  text,
} from "./wire.ts";

export const MAX_TIMEOUT_SECONDS = 30 * 86_400;

export const DelegationId = z
  .string()
  .regex(/^dlg_[a-z0-9]{1,24}$/, "has to be the id of a delegation, like dlg_7k2m4vq0x9az")
  .describe("dlg_...");
/** A delegation, or a run: both hang on one tree. */
const NodeId = z
  .string()
  .regex(/^(dlg|run)_[a-z0-9]{1,40}$/)
  .describe("dlg_... or run_...");

export const DELEGATION_STATUS = ["pending", "claimed", "answered", "failed", "timed-out", "cancelled"] as const;
export const DelegationStatus = namedEnum(
  "DelegationStatus",
  "pending and claimed (somebody of the group works on it) are open; the others are how it ended.",
  DELEGATION_STATUS,
);
export type DelegationStatus = z.infer<typeof DelegationStatus>;

/** `POST /v1/delegations`. */
export const DelegationDraft = strictObject(() => ({
  from: AgentId.optional().describe("The token's agent when left out; only an operator may name another."),
  to: TargetText,
  text: text(BODY_BYTES),
  encoding: EncodingInput,
  context: DelegationContext.nullish(),
  payload: jsonObject(JSON_BYTES)
    .nullish()
    .describe("Further members of the request's payload, beside those that the relay writes."),
  threadId: MessageId.nullish().describe("Puts the request into this thread."),
  parentId: DelegationId.nullish().describe(
    "The delegation that this is part of: one the sender works on. Left out: the live run that the header " +
      "Signalbox-Run or the sender's session names, else the one request to it in `threadId`, else the " +
      "one whose claim it took last, else the one open request to it that it has acknowledged; if there is not exactly one, " +
      "none. What `user` asks is part of none.",
  ),
  timeoutSeconds: int(1, MAX_TIMEOUT_SECONDS).default(300),
})).register(NAMED, { id: "DelegationDraft" });
export type DelegationDraft = z.input<typeof DelegationDraft>;
export type ParsedDelegation = z.output<typeof DelegationDraft>;

/** `POST .../response`: a text, or an error, or both. */
export const DelegationResponse = strictObject(() => ({
  agentId: AgentId.optional().describe("Who answers: the token's agent when left out."),
  text: text(BODY_BYTES).optional(),
  error: text(4096)
    .refine((error) => error.trim() !== "", "is empty")
    .optional()
    .describe("It could not be done: why."),
  payload: jsonObject(JSON_BYTES).nullish(),
  encoding: EncodingInput,
}))
  .refine((said) => said.text !== undefined || said.error !== undefined || said.payload != null, {
    message: "has to have text, error or payload",
  })
  .register(NAMED, { id: "DelegationResponse" });
export type DelegationResponse = z.input<typeof DelegationResponse>;

/** `POST .../progress`. */
export const DelegationProgress = strictObject(() => ({
  agentId: AgentId.optional(),
  text: text(BODY_BYTES),
  encoding: EncodingInput,
  question: z.boolean().default(false).describe("The worker asks back, and goes on when the asker has replied."),
}));
export type DelegationProgress = z.input<typeof DelegationProgress>;

/** `POST .../cancel`. */
export const DelegationCancel = strictObject(() => ({
  tree: z.boolean().default(false).describe("Also what was delegated on from it, at any depth."),
  reason: text(2048).optional(),
}));
export type DelegationCancel = z.input<typeof DelegationCancel>;

export const DelegationAnswer = named("DelegationAnswer", "What the asker got.", () => ({
  messageId: MessageId.describe("The response, as the asker got it."),
  from: z.string().describe("Who answered; `system` when nobody did."),
  text: z.string().nullable().describe("null when retention took the message."),
  error: StrOrNull,
  encoding: Encoding.describe("Encoding of text, error and payload."),
  payload: z.record(Str, z.unknown()).nullable(),
  at: Time,
}));
export type DelegationAnswer = z.infer<typeof DelegationAnswer>;

export const Delegation = named("Delegation", "A request that owes an answer.", () => ({
  id: DelegationId,
  from: z.string().describe("Who asked."),
  to: z.string().describe("Who was asked: an agent or a group."),
  holder: z.string().nullable().describe("Who of a group works on it, or did last."),
  text: z.string().nullable().describe("null when retention took the message."),
  encoding: Encoding.describe("Encoding of text, context and payload."),
  context: DelegationContext.nullable(),
  payload: z.record(Str, z.unknown()).nullable().describe("Members of the request's payload that its asker gave."),
  depth: z.int().describe(`Counted by the server along parentId, from 1 to ${MAX_DEPTH}.`),
  rootId: NodeId.describe("The first of its tree; itself when it has no parent."),
  parentId: NodeId.nullable().describe("The delegation or the run that it is part of."),
  threadId: MessageId,
  messageId: MessageId.describe("The request. While it waits for an approval, the notice of that."),
  approvalId: StrOrNull.describe("The approval that it waits for, or waited for."),
  status: DelegationStatus,
  answer: DelegationAnswer.nullable().describe("null while it is open, and when the asker is gone."),
  late: z.boolean().describe("The answer came after it had ended: status says how it ended."),
  queued: z.boolean().describe("Nobody it is for was online when it was asked: it waits for them until the deadline."),
  deadlineAt: Time,
  createdAt: Time,
  endedAt: TimeOrNull,
}));
export type Delegation = z.infer<typeof Delegation>;

/** News of a delegation for watchers, at each change. */
export const DelegationChange = object(
  () =>
    Delegation.pick({
      ...{ id: true, messageId: true, from: true, to: true, holder: true, status: true, late: true, depth: true },
      ...{ rootId: true, parentId: true },
    }).shape,
).register(NAMED, { id: "DelegationChange" });
export type DelegationChange = z.infer<typeof DelegationChange>;

export const CancelledDelegations = object(() => ({
  delegation: Delegation,
  cancelled: z.array(DelegationId).describe("What this call ended: with tree, the whole tree's."),
})).register(NAMED, { id: "CancelledDelegations" });
export type CancelledDelegations = z.infer<typeof CancelledDelegations>;

export const DelegationWait = strictObject(() => ({
  waitSeconds: queryInt(0, 60).default(0).describe("Waits so long for it to end."),
}));

export const DelegationQuery = strictObject(() => ({
  from: AgentId.optional(),
  to: TargetText.optional().describe("Who was asked; for an agent also what it took of a group's."),
  status: DelegationStatus.optional(),
  root: DelegationId.optional().describe("All of one tree."),
  ...NumberPageQuery,
}));
export type DelegationQuery = z.input<typeof DelegationQuery>;
export const DelegationList = listOf(Delegation).register(NAMED, { id: "DelegationList" });

const Path = strictObject(() => ({ id: DelegationId }));
const contract = contracts("Delegations");

export const delegate = contract("delegate", "POST /v1/delegations", {
  summary: "Ask for something that owes an answer",
  description:
    "Appends a `request`: talk for one agent, work for a group. The asker always gets exactly one `response` to it: the " +
    "answer, or the relay's, with the error, when the time is up, the target is deleted or the work is given up. What " +
    "comes after that is marked late.",
  body: DelegationDraft,
  example: { to: "reviewer", text: "Is the change to the parser safe?", timeoutSeconds: 300 },
  idempotent: true,
  answers: made(Delegation, "Asked.", "Asked before with this key."),
  problems: [
    ...words("loop-paused quota-exceeded forbidden superseded unknown-target no-conversation"),
    ...words("not-open budget-exceeded too-deep cycle reserved idempotency-mismatch"),
  ],
});

export const listDelegations = contract("listDelegations", "GET /v1/delegations", {
  ...paged(DelegationQuery, DelegationList, "A page; it may be short where much had to be passed over."),
  summary: "List delegations, newest first",
  problems: ["forbidden", "superseded"],
});

export const getDelegation = contract("getDelegation", "GET /v1/delegations/{id}", {
  ...at(Path, Delegation, "As it is now, also when the time is up."),
  summary: "Get a delegation; with waitSeconds, wait until it has ended",
  long: true,
  query: DelegationWait,
  problems: ["forbidden", "superseded", "not-found"],
});

export const answerDelegation = contract("answerDelegation", "POST /v1/delegations/{id}/response", {
  summary: "Answer a delegation, or say that it cannot be done",
  description:
    "By the agent that was asked, or who of a group claimed it; the claim is completed by it. A reply to the request, or " +
    "a completion with a result, is an answer as well.",
  params: Path,
  body: DelegationResponse,
  example: { text: "Yes. It only moves code." },
  idempotent: true,
  answers: made(Delegation, "Answered; late if it had ended before.", "Answered before with this key."),
  problems: words("forbidden superseded not-found not-open gone reserved required-result idempotency-mismatch"),
});

export const reportProgress = contract("reportProgress", "POST /v1/delegations/{id}/progress", {
  summary: "Report progress, or ask back",
  params: Path,
  body: DelegationProgress,
  example: { text: "Half of the files are read." },
  idempotent: true,
  answers: {
    201: {
      description: "The asker was sent a `control` message; with `question` one of kind `request`.",
      schema: Delegation,
    },
    200: { description: "Reported before with this key.", schema: Delegation },
  },
  problems: ["forbidden", "superseded", "not-found", "not-open", "loop-paused", "idempotency-mismatch"],
});

export const cancelDelegation = contract("cancelDelegation", "POST /v1/delegations/{id}/cancel", {
  ...at(Path, CancelledDelegations, "The delegation, and what was ended."),
  summary: "Cancel a delegation; with tree, also what came of it",
  description:
    "The agent that works on it is told, and each asker gets an answer that says so. Repeating it does nothing more.",
  body: DelegationCancel,
  example: { reason: "No longer needed." },
  bodyOptional: true,
  repeatable: true,
  problems: ["forbidden", "superseded", "not-found", "not-open"],
});
