import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath } from "./agents.ts";
import { at, contracts, paged } from "./contract.ts";
import { BODY_BYTES, FAILURES, JSON_BYTES, MESSAGE_KINDS } from "./limits.ts";
import { BATCH_BYTES, MAX_BATCH, Message, MessageKind, Topic } from "./messages.ts";
import { RefusedItem } from "./problem.ts";
import { NAMED, object, strictObject, words } from "./shape.ts";
import { ProgressInput, Task } from "./tasks.ts";
import {
  EncodingInput,
  Int,
  int,
  jsonObject,
  line,
  listOf,
  MessageId,
  MessagePath,
  NumberPageQuery,
  queryInt,
  Str,
  StrOrNull,
  Time,
  text,
} from "./wire.ts";

const LeaseSeconds = int(1, 86_400);

export const ClaimOne = strictObject(() => ({
  agentId: AgentId.optional(),
  leaseSeconds: LeaseSeconds.default(600),
})).register(NAMED, { id: "ClaimOne" });
export type ClaimOne = z.input<typeof ClaimOne>;

export const ClaimNext = strictObject(() => ({
  max: int(1, 100).default(1),
  leaseSeconds: LeaseSeconds.default(600),
  waitSeconds: int(0, 60).default(0),
  kinds: z.array(MessageKind).min(1).max(MESSAGE_KINDS.length).optional(),
  topics: z.array(Topic).min(1).max(32).optional(),
})).register(NAMED, { id: "ClaimNext" });
export type ClaimNext = z.input<typeof ClaimNext>;

export const ClaimToken = z.string().max(128).describe("The fencing token of one lease.");
export const Lease = object(() => ({ token: ClaimToken, attempt: Int, expiresAt: Time })).register(NAMED, {
  id: "Lease",
});
export type Lease = z.infer<typeof Lease>;

const WithTask = { task: Task.optional().describe("The task that is worked through this message.") };
/** Parts that earlier attempts posted of a message to a channel. null: begun, its end unknown. */
export const Posts = z
  .array(z.object({ part: Int, externalId: StrOrNull, mark: Str.optional() }))
  .register(NAMED, { id: "Posts" });

export const Claimed = object(() => ({
  message: Message,
  claim: Lease,
  posts: Posts.optional(),
  edits: z.array(Str).optional().describe("External ids of the post that a message to a channel changes."),
  ...WithTask,
})).register(NAMED, { id: "Claimed" });
export type Claimed = z.infer<typeof Claimed>;
export const ClaimedList = object(() => ({ items: z.array(Claimed) })).register(NAMED, { id: "ClaimedList" });
export type ClaimedList = z.infer<typeof ClaimedList>;
/** Options of a claim for the messages in its answer. */
export const ClaimQuery = strictObject(() => ({ include: z.literal("parent").optional() }));
export const HeldQuery = strictObject(() => ({
  ...ClaimQuery.shape,
  ...NumberPageQuery,
  limit: queryInt(1, 500).default(500),
}));
export const HeldList = listOf(Claimed);
/** The answer to renew, release, complete, fail, cancel and requeue; `claim` while the lease lives. */
export const WorkAnswer = object(() => ({
  message: Message,
  claim: Lease.optional(),
  posts: Posts.optional(),
  edits: z.array(Str).optional(),
  ...WithTask,
})).register(NAMED, { id: "WorkAnswer" });
export type WorkAnswer = z.infer<typeof WorkAnswer>;

export const Renew = strictObject(() => ({
  token: ClaimToken,
  leaseSeconds: LeaseSeconds.optional(),
  progress: ProgressInput,
})).register(NAMED, { id: "Renew" });
export const Release = strictObject(() => ({
  token: ClaimToken,
  delaySeconds: int(0, 31 * 86_400).optional(),
  reason: text(4096).optional(),
})).register(NAMED, { id: "Release" });
/** Result of work: the sender gets it as a `response`. */
export const Result = strictObject(() => ({
  body: text(BODY_BYTES).default(""),
  subject: line(512).nullish(),
  payload: jsonObject(JSON_BYTES).nullish(),
  encoding: EncodingInput,
})).register(NAMED, { id: "Result" });
/** A plain text stands for a result with that body. */
const ResultInput = z
  .preprocess((given) => (typeof given === "string" ? { body: given } : given), Result.optional())
  .meta({ description: "A result, or its body alone as text.", shorthand: { type: "string", maxLength: BODY_BYTES } });
export const Complete = strictObject(() => ({
  token: ClaimToken,
  result: ResultInput,
  externalIds: z
    .array(line(256))
    .max(1000)
    .optional()
    .describe("Of a message that went out through a channel: the platform's ids of what was posted, in order."),
})).register(NAMED, { id: "Complete" });
export const CompleteItem = strictObject(() => ({ id: MessageId, ...Complete.shape })).register(NAMED, {
  id: "CompleteItem",
});
export const CompleteMany = strictObject(() => ({ items: z.array(CompleteItem).min(1).max(MAX_BATCH) })).register(
  NAMED,
  { id: "CompleteMany" },
);
export type ParsedCompleteItem = z.output<typeof CompleteItem>;
/** The answers to many completes, in their order. */
export const CompletedEach = object(() => ({ items: z.array(z.union([WorkAnswer, RefusedItem])) })).register(NAMED, {
  id: "CompletedEach",
});
export type CompletedEach = z.infer<typeof CompletedEach>;
export const Fail = strictObject(() => ({
  token: ClaimToken,
  error: text(4096),
  failure: z
    .enum(FAILURES)
    .optional()
    .describe(
      "transient: surely not done, may work later. permanent: will never work. ambiguous: nobody knows whether it was done. The last two are final.",
    ),
  code: line(64).optional().describe("What went wrong, for programs."),
  retryAfterSeconds: int(0, 31 * 86_400).optional(),
  final: z.boolean().default(false),
})).register(NAMED, { id: "Fail" });
export type Renew = z.input<typeof Renew>;
export type ParsedRenew = z.output<typeof Renew>;
export type Release = z.input<typeof Release>;
export type Complete = z.input<typeof Complete>;
export type ParsedComplete = z.output<typeof Complete>;
export type Fail = z.input<typeof Fail>;

export const DeadLetterQuery = strictObject(() => ({ ...NumberPageQuery }));
export const DeadLetter = object(() => ({ ...Message.shape, error: StrOrNull, diedAt: Time })).register(NAMED, {
  id: "DeadLetter",
});
export const DeadLetterList = listOf(DeadLetter).register(NAMED, { id: "DeadLetterList" });

/** Refusals of a claim, and of what is done under one. */
export const UNCLAIMED = words(
  "forbidden already-claimed not-open not-a-target not-claimable not-found conflict superseded",
);
export const UNHELD = ["forbidden", "claim-lost", "not-claimable", "not-found"] as const;

const contract = contracts("Claims");
const onWork = {
  ...at(MessagePath, WorkAnswer, "The message and the state of its work."),
  problems: ["not-open", "not-claimable", "forbidden", "not-found"] as const,
};
const onLease = { ...onWork, repeatable: true, problems: UNHELD };

export const claimMessage = contract("claimMessage", "POST /v1/messages/{id}/claim", {
  ...at(MessagePath, Claimed, "Held now; the token is the lease's fencing token."),
  summary: "Claim one piece of work",
  query: ClaimQuery,
  body: ClaimOne,
  example: { leaseSeconds: 600 },
  bodyOptional: true,
  problems: UNCLAIMED,
});

export const claimNext = contract("claimNext", "POST /v1/agents/{id}/claims", {
  ...at(AgentPath, ClaimedList, "What was claimed; empty when there was nothing."),
  summary: "Claim the next open work",
  description: "Urgent first, then oldest. With waitSeconds it waits in a queue until there is some.",
  long: true,
  query: ClaimQuery,
  body: ClaimNext,
  example: { max: 1, leaseSeconds: 600, waitSeconds: 30 },
  bodyOptional: true,
  problems: ["forbidden", "gone", "superseded"],
});

export const heldClaims = contract("heldClaims", "GET /v1/agents/{id}/claims", {
  ...at(AgentPath, HeldList, "Live leases, oldest message first."),
  summary: "List an agent's leases, with tokens",
  query: HeldQuery,
  problems: ["forbidden", "gone"],
});

export const renewClaim = contract("renewClaim", "POST /v1/messages/{id}/renew", {
  ...onLease,
  summary: "Renew a lease, and report progress",
  description:
    "With `progress` its sender gets a `control` message, a reply to the work. The report that was sent last is not sent again; one that is refused renews nothing.",
  body: Renew,
  example: { token: "clm_1_1", leaseSeconds: 600, progress: "Half of the files are read." },
  problems: [...UNHELD, "loop-paused"],
});

export const releaseClaim = contract("releaseClaim", "POST /v1/messages/{id}/release", {
  ...onLease,
  summary: "Release a claim; the attempt does not count",
  body: Release,
  example: { token: "clm_1_1", delaySeconds: 60, reason: "The test machine is busy." },
});

export const completeClaim = contract("completeClaim", "POST /v1/messages/{id}/complete", {
  ...onLease,
  summary: "Complete work; a result goes to the sender",
  body: Complete,
  example: { token: "clm_1_1", result: "Merged as 4f2c1d9." },
  problems: [...UNHELD, "reserved", "required-result"],
});

export const completeClaims = contract("completeClaims", "POST /v1/messages/complete", {
  summary: "Complete many pieces of work, each by itself",
  description:
    "Each is answered as if it came alone, in order and in one write: by the state of its work, or by its problem. A repeat is " +
    "answered as before.",
  body: CompleteMany,
  example: { items: [{ id: 1, token: "clm_1_1", result: "Merged as 4f2c1d9." }] },
  bodyLimit: BATCH_BYTES,
  many: { as: "items", item: CompleteItem, max: MAX_BATCH, apart: "always" },
  repeatable: true,
  answers: { 200: { description: "The answer to each, in order.", schema: CompletedEach } },
  problems: ["forbidden", "superseded"],
});

export const failClaim = contract("failClaim", "POST /v1/messages/{id}/fail", {
  ...onLease,
  summary: "Fail work; the attempt counts",
  body: Fail,
  example: { token: "clm_1_1", error: "The tests do not compile.", retryAfterSeconds: 60 },
});

export const cancelMessage = contract("cancelMessage", "POST /v1/messages/{id}/cancel", {
  ...onWork,
  summary: "Cancel work, as its sender or an operator",
});

export const requeueMessage = contract("requeueMessage", "POST /v1/messages/{id}/requeue", {
  ...onWork,
  summary: "Requeue a dead letter, with fresh attempts",
  problems: [...onWork.problems, "unknown-target"],
});

export const listDeadLetters = contract("listDeadLetters", "GET /v1/dead-letters", {
  ...paged(DeadLetterQuery, DeadLetterList),
  summary: "List work whose attempts ran out, newest first",
});
