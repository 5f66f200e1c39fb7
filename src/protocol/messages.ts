import { z } from "zod";
import { AgentId } from "./agents.ts";
import { ProgressInput, Task } from "./tasks.ts";
import {
  Bool,
  Encoding,
  EncodingInput,
  IdempotencyKey,
  Int,
  jsonObject,
  line,
  listOf,
  MessageId,
  NumberPageQuery,
  PageQuery,
  queryInt,
  Str,
  StrOrNull,
  Time,
  TimeInput,
  TimeOrNull,
  text,
} from "./wire.ts";

export const BODY_BYTES = 256 * 1024;
export const JSON_BYTES = 64 * 1024;
export const MAX_BATCH = 1000;

export const MESSAGE_KINDS = [
  "chat",
  "task",
  "channel.event",
  "control",
  "pair",
  "request",
  "response",
  "announcement",
  "system",
] as const;
export const MessageKind = z.enum(MESSAGE_KINDS);
export type MessageKind = z.infer<typeof MessageKind>;

/** Kinds that a plain send may name. Verbs of the relay write the others. */
export const PLAIN_KINDS = ["chat", "task"] as const satisfies readonly MessageKind[];

export const MESSAGE_SOURCES = ["agent", "person", "integration", "schedule", "channel", "relay"] as const;
export const MessageSource = z
  .enum(MESSAGE_SOURCES)
  .describe("Kind of author, decided by the relay; `from` says in whose name.");
export type MessageSource = z.infer<typeof MessageSource>;

export const WORK_STATES = ["open", "delayed", "claimed", "done", "dead", "expired", "cancelled"] as const;
export const WorkState = z.enum(WORK_STATES);
export type WorkState = z.infer<typeof WorkState>;

export const Topic = line(128);

/** Whom a message is for, as written: an agent id, `label:x`, `tag:x`, `cap:x`, `broadcast`, `orchestrator:x` or `@name`. */
export const TargetText = line(160);

/** `POST /v1/messages`, and one item of a batch. */
export const MessageDraft = z.strictObject({
  from: AgentId.optional().describe("The token's agent when left out; only an operator may name another."),
  to: TargetText,
  kind: MessageKind.optional().describe(
    "chat or task; the relay writes the others. Left out: task if claimable, else chat.",
  ),
  topic: Topic.nullish(),
  subject: line(512).nullish(),
  body: text(BODY_BYTES),
  replyTo: MessageId.nullish(),
  causedBy: MessageId.nullish().describe(
    "The message that caused it. null: nothing did. Left out, the relay looks at its parent, the work it is sent under and its sender's recent mail.",
  ),
  claimable: z.boolean().default(false).describe("Work that exactly one agent may hold."),
  urgent: z.boolean().default(false),
  maxAttempts: z.int().min(1).max(100).default(5),
  expiresAt: TimeInput.nullish().describe("From then on it is offered to nobody."),
  deliverAt: TimeInput.nullish().describe("It becomes a message at that time."),
  idempotencyKey: IdempotencyKey.nullish(),
  encoding: EncodingInput,
  payload: jsonObject(JSON_BYTES).nullish(),
  meta: jsonObject(JSON_BYTES).nullish(),
});
/** A message to be sent, as a caller writes it. */
export type MessageDraft = z.input<typeof MessageDraft>;
/** A message to be sent, parsed: defaults filled in. */
export type ParsedDraft = z.output<typeof MessageDraft>;

export const Batch = z.strictObject({ messages: z.array(MessageDraft).min(1).max(MAX_BATCH) });

export const Holding = z
  .object({
    agentId: Str,
    claimedAt: Time,
    expiresAt: Time,
    attempt: Int,
  })
  .describe("Who holds the work and until when.");
export type Holding = z.infer<typeof Holding>;

export const Route = z.object({
  bindingId: StrOrNull,
  tier: z.enum(["explicit", "binding", "fallback"]),
  requested: StrOrNull,
});
export type Route = z.infer<typeof Route>;

/** The entry as it was appended: what streams carry. Nothing of it ever changes. */
export const Entry = z
  .object({
    id: MessageId,
    from: Str,
    to: Str,
    kind: MessageKind,
    source: MessageSource,
    topic: StrOrNull,
    subject: StrOrNull,
    body: Str,
    encoding: Encoding,
    threadId: MessageId,
    replyTo: MessageId.nullable(),
    causedBy: MessageId.nullable(),
    rootId: MessageId,
    hops: Int,
    claimable: Bool,
    urgent: Bool,
    route: Route.nullable(),
    payload: z.record(Str, z.unknown()).nullable(),
    meta: z.record(Str, z.unknown()).nullable(),
    idempotencyKey: StrOrNull,
    via: z.string().nullable().describe("The operator token that wrote it in this name."),
    expiresAt: TimeOrNull,
    createdAt: Time,
  })
  .describe("One entry of the log, as it was appended.");
export type Entry = z.infer<typeof Entry>;

export const Parent = z.object({ id: MessageId, from: Str, body: Str, createdAt: Time });
export type Parent = z.infer<typeof Parent>;

export const Message = Entry.extend({
  state: WorkState.nullable().describe("Of a claimable message; null for any other."),
  claim: Holding.nullable(),
  parent: Parent.optional().describe("With include=parent: what it replies to, its body cut."),
}).describe("A message with the state of its work.");
export type Message = z.infer<typeof Message>;

export const SentMessage = Message.extend({
  matched: z
    .int()
    .describe(
      "Members of the target when it was appended, offline ones too; the sender of a group message is not among them.",
    ),
  suggestions: z.array(Str).optional().describe("For a group without members: the nearest groups with some."),
  replayed: z.boolean().optional().describe("In a batch: the idempotency key had been used before."),
});
export type SentMessage = z.infer<typeof SentMessage>;

/** The answer to a message with a `deliverAt` to come. */
export const Scheduled = z.object({
  scheduleId: Str,
  deliverAt: Time,
  replayed: z.boolean().optional().describe("In a batch: the idempotency key had been used before."),
});
export type Scheduled = z.infer<typeof Scheduled>;
export const SentBatch = z.object({ items: z.array(z.union([SentMessage, Scheduled])) });
export type SentBatch = z.infer<typeof SentBatch>;

export const MessageDetail = Message.extend({
  readBy: z.array(Str).describe("Who read it or acknowledged past it."),
  attempts: z.array(
    z.object({
      agentId: Str,
      attempt: Int,
      claimedAt: Time,
      renewedAt: TimeOrNull,
      endedAt: TimeOrNull,
      outcome: z.enum(["completed", "released", "failed", "expired", "cancelled"]).nullable(),
      error: StrOrNull,
    }),
  ),
});
export type MessageDetail = z.infer<typeof MessageDetail>;

/** What narrows a list or a stream of messages. */
export const MessageFilter = {
  from: AgentId.optional(),
  to: TargetText.optional(),
  agent: AgentId.optional().describe("Sent by it or addressed to it."),
  thread: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
  topic: Topic.optional(),
  kind: MessageKind.optional(),
  state: WorkState.optional(),
};
export const MessageQuery = z.strictObject({
  ...MessageFilter,
  q: line(512).optional().describe("Words to find, all of them, at most 32; `word*` finds what begins so."),
  before: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  ...NumberPageQuery,
});
export type MessageQuery = z.input<typeof MessageQuery>;
export const MessageList = listOf(Message);

export const ThreadQuery = z.strictObject({ ...NumberPageQuery });
export const Thread = z.object({
  root: Message.nullable().describe("null when retention took it or the caller may not read it."),
  items: z.array(Message.extend({ readBy: z.array(Str) })),
  participants: z.array(Str),
  nextPage: StrOrNull,
});
export type Thread = z.infer<typeof Thread>;

export const ReadMark = z.strictObject({ agentId: AgentId.optional() });

// --- claims ---

const LeaseSeconds = z.int().min(1).max(86_400);

export const ClaimOne = z.strictObject({ agentId: AgentId.optional(), leaseSeconds: LeaseSeconds.default(600) });
export type ClaimOne = z.input<typeof ClaimOne>;

export const ClaimNext = z.strictObject({
  max: z.int().min(1).max(100).default(1),
  leaseSeconds: LeaseSeconds.default(600),
  waitSeconds: z.int().min(0).max(60).default(0),
  kinds: z.array(MessageKind).min(1).max(MESSAGE_KINDS.length).optional(),
  topics: z.array(Topic).min(1).max(32).optional(),
});
export type ClaimNext = z.input<typeof ClaimNext>;

export const ClaimToken = z.string().max(128).describe("The fencing token of one lease.");
export const Lease = z.object({ token: ClaimToken, attempt: Int, expiresAt: Time });
export type Lease = z.infer<typeof Lease>;

const WithTask = { task: Task.optional().describe("The task that is worked through this message.") };
/** Of a message that goes out through a channel: how far earlier attempts came. null: begun, its end unknown. */
export const Posts = z.array(z.object({ part: Int, externalId: StrOrNull }));

export const Claimed = z.object({ message: Message, claim: Lease, posts: Posts.optional(), ...WithTask });
export type Claimed = z.infer<typeof Claimed>;
export const ClaimedList = z.object({ items: z.array(Claimed) });
export type ClaimedList = z.infer<typeof ClaimedList>;
/** Options of a claim for the messages in its answer. */
export const ClaimQuery = z.strictObject({ include: z.literal("parent").optional() });
export const HeldQuery = z.strictObject({
  ...ClaimQuery.shape,
  ...NumberPageQuery,
  limit: queryInt(1, 500).default(500),
});
export const HeldList = listOf(Claimed);
/** The answer to renew, release, complete, fail, cancel and requeue; `claim` while the lease lives. */
export const WorkAnswer = z.object({ message: Message, claim: Lease.optional(), posts: Posts.optional(), ...WithTask });
export type WorkAnswer = z.infer<typeof WorkAnswer>;

export const Renew = z.strictObject({
  token: ClaimToken,
  leaseSeconds: LeaseSeconds.optional(),
  progress: ProgressInput,
});
export const Release = z.strictObject({
  token: ClaimToken,
  delaySeconds: z
    .int()
    .min(0)
    .max(31 * 86_400)
    .optional(),
  reason: text(4096).optional(),
});
/** What a worker answers with: it reaches the sender as a `response`. */
export const Result = z.strictObject({
  body: text(BODY_BYTES).default(""),
  subject: line(512).nullish(),
  payload: jsonObject(JSON_BYTES).nullish(),
  encoding: EncodingInput,
});
/** A plain text stands for a result with that body. */
const ResultInput = z
  .preprocess((given) => (typeof given === "string" ? { body: given } : given), Result.optional())
  .meta({ description: "A result, or its body alone as text.", shorthand: { type: "string", maxLength: BODY_BYTES } });
export const Complete = z.strictObject({
  token: ClaimToken,
  result: ResultInput,
  externalIds: z
    .array(line(256))
    .max(1000)
    .optional()
    .describe("Of a message that went out through a channel: the platform's ids of what was posted, in order."),
});
export const FAILURES = ["transient", "permanent", "ambiguous"] as const;
export const Fail = z.strictObject({
  token: ClaimToken,
  error: text(4096),
  failure: z
    .enum(FAILURES)
    .optional()
    .describe(
      "transient: surely not done, may work later. permanent: will never work. ambiguous: nobody knows whether it was done. The last two are final.",
    ),
  code: line(64).optional().describe("What went wrong, for programs."),
  retryAfterSeconds: z
    .int()
    .min(0)
    .max(31 * 86_400)
    .optional(),
  final: z.boolean().default(false),
});
export type Renew = z.input<typeof Renew>;
export type ParsedRenew = z.output<typeof Renew>;
export type Release = z.input<typeof Release>;
export type Complete = z.input<typeof Complete>;
export type ParsedComplete = z.output<typeof Complete>;
export type Fail = z.input<typeof Fail>;

export const DeadLetterQuery = z.strictObject({ ...NumberPageQuery });
export const DeadLetter = Message.extend({ error: StrOrNull, diedAt: Time });
export const DeadLetterList = listOf(DeadLetter);

// --- explain ---

export const STEPS = [
  "stored",
  "matched",
  "offered",
  "acknowledged",
  "read",
  "claimed",
  "renewed",
  "released",
  "failed",
  "lease-expired",
  "completed",
  "answered",
  "expired",
  "dead",
  "cancelled",
  "requeued",
  "scheduled",
  "traced",
  "paused",
  "resumed",
  "task",
  "delegated",
  "timed-out",
  "routed",
  "posted",
  "waiting",
  "not-needed",
  "called",
] as const;
export const Fact = z
  .looseObject({ at: Time, step: z.enum(STEPS) })
  .describe("One thing that happened, and its details.");
export type Fact = z.infer<typeof Fact>;
export const RecipientStory = z.object({
  agentId: Str,
  step: z.enum(STEPS).describe("How far it got with this agent."),
  at: TimeOrNull,
  sentence: Str,
});
export type RecipientStory = z.infer<typeof RecipientStory>;
export const Explanation = z.object({
  messageId: MessageId,
  facts: z.array(Fact),
  recipients: z.array(RecipientStory),
  nextPage: z.string().nullable().describe("More recipients."),
});
export type Explanation = z.infer<typeof Explanation>;
export const ExplainQuery = z.strictObject({ ...PageQuery, page: AgentId.optional() });
