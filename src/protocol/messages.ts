import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, paged } from "./contract.ts";
import { FacetQuery } from "./facets.ts";
import { BODY_BYTES, JSON_BYTES, MESSAGE_KINDS } from "./limits.ts";
import { RefusedItem } from "./problem.ts";
import { NAMED, named, object, strictObject, words } from "./shape.ts";
import {
  Bool,
  Encoding,
  EncodingInput,
  IdempotencyKey,
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
  TimeInput,
  TimeOrNull,
  text,
} from "./wire.ts";

export const MAX_BATCH = 1000;
export const BATCH_BYTES = 8 * 1024 * 1024;

export const MessageKind = z.enum(MESSAGE_KINDS).register(NAMED, { id: "MessageKind" });
export type MessageKind = z.infer<typeof MessageKind>;

export const MESSAGE_SOURCES = ["agent", "person", "integration", "schedule", "channel", "relay"] as const;
export const MessageSource = z
  .enum(MESSAGE_SOURCES)
  .describe("Kind of author, decided by the relay; `from` says in whose name.");
export type MessageSource = z.infer<typeof MessageSource>;

export const WORK_STATES = ["open", "delayed", "claimed", "done", "dead", "expired", "cancelled"] as const;
export const WorkState = z.enum(WORK_STATES).register(NAMED, { id: "WorkState" });
export type WorkState = z.infer<typeof WorkState>;

export const Topic = line(128);

/** Whom a message is for, as written: an agent id, `label:x`, `tag:x`, `cap:x`, `broadcast`, `orchestrator:x` or `@name`. */
export const TargetText = line(160);

/** `POST /v1/messages`, and one item of a batch. */
export const MessageDraft = strictObject(() => ({
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
  maxAttempts: int(1, 100).default(5),
  expiresAt: TimeInput.nullish().describe("From then on it is offered to nobody."),
  deliverAt: TimeInput.nullish().describe("It becomes a message at that time."),
  idempotencyKey: IdempotencyKey.nullish(),
  encoding: EncodingInput,
  payload: jsonObject(JSON_BYTES).nullish(),
  meta: jsonObject(JSON_BYTES).nullish(),
})).register(NAMED, { id: "MessageDraft" });
/** A message to be sent, as a caller writes it. */
export type MessageDraft = z.input<typeof MessageDraft>;
/** A message to be sent, parsed: defaults filled in. */
export type ParsedDraft = z.output<typeof MessageDraft>;

export const Batch = strictObject(() => ({ messages: z.array(MessageDraft).min(1).max(MAX_BATCH) })).register(NAMED, {
  id: "Batch",
});

export const Holding = named("Holding", "Who holds the work and until when.", () => ({
  agentId: Str,
  claimedAt: Time,
  expiresAt: Time,
  attempt: Int,
}));
export type Holding = z.infer<typeof Holding>;

/** Binding or fallback that routed a message from a channel. */
export const RoutedBy = object(() => ({
  bindingId: StrOrNull,
  tier: z.enum(["explicit", "binding", "fallback"]),
  requested: StrOrNull,
}));
export type RoutedBy = z.infer<typeof RoutedBy>;

/** The entry as it was appended: what streams carry. Nothing of it ever changes. */
export const Entry = named("Entry", "One entry of the log, as it was appended.", () => ({
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
  route: RoutedBy.nullable(),
  payload: z.record(Str, z.unknown()).nullable(),
  meta: z.record(Str, z.unknown()).nullable(),
  idempotencyKey: StrOrNull,
  via: z.string().nullable().describe("The operator token that wrote it in this name."),
  person: z.string().nullable().describe("The person that wrote it at user, or with an operator's token."),
  expiresAt: TimeOrNull,
  createdAt: Time,
}));
export type Entry = z.infer<typeof Entry>;

export const Parent = object(() => ({ id: MessageId, from: Str, body: Str, createdAt: Time })).register(NAMED, {
  id: "Parent",
});
export type Parent = z.infer<typeof Parent>;

export const Message = named("Message", "A message with the state of its work.", () => ({
  ...Entry.shape,
  state: WorkState.nullable().describe("Of a claimable message; null for any other."),
  claim: Holding.nullable(),
  parent: Parent.optional().describe("With include=parent: what it replies to, its body cut."),
}));
export type Message = z.infer<typeof Message>;

export const SentMessage = object(() => ({
  ...Message.shape,
  matched: Int.describe(
    "Members of the target when it was appended, offline ones too; the sender of a group message is not among them.",
  ),
  suggestions: z.array(Str).optional().describe("For a group without members: the nearest groups with some."),
  replayed: z.boolean().optional().describe("In a batch: the idempotency key had been used before."),
})).register(NAMED, { id: "SentMessage" });
export type SentMessage = z.infer<typeof SentMessage>;

/** The answer to a message with a `deliverAt` to come. */
export const Scheduled = object(() => ({
  scheduleId: Str,
  deliverAt: Time,
  replayed: z.boolean().optional().describe("In a batch: the idempotency key had been used before."),
})).register(NAMED, { id: "Scheduled" });
export type Scheduled = z.infer<typeof Scheduled>;
export const SentBatch = object(() => ({ items: z.array(z.union([SentMessage, Scheduled])) })).register(NAMED, {
  id: "SentBatch",
});
export type SentBatch = z.infer<typeof SentBatch>;

export const BatchQuery = strictObject(() => ({
  atomic: z.enum(["true", "false"]).optional().describe("false: each message is stored or refused by itself."),
}));

const STATUS = { status: z.int().describe("Status of the answer to this message alone: 201, 200 or 202.") };
/** The answers to the messages of a batch with atomic=false, in their order. */
export const SentEach = object(() => ({
  items: z.array(z.union([SentMessage.extend(STATUS), Scheduled.extend(STATUS), RefusedItem])),
})).register(NAMED, { id: "SentEach" });
export type SentEach = z.infer<typeof SentEach>;

export const MessageDetail = object(() => ({
  ...Message.shape,
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
})).register(NAMED, { id: "MessageDetail" });
export type MessageDetail = z.infer<typeof MessageDetail>;

/** Filters of a list or a stream of messages. */
export const MessageFilter = {
  from: AgentId.optional(),
  to: TargetText.optional(),
  agent: AgentId.optional().describe("Sent by it or addressed to it."),
  thread: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
  topic: Topic.optional(),
  kind: MessageKind.optional(),
  state: WorkState.optional(),
};
export const MessageQuery = strictObject(() => ({
  ...MessageFilter,
  q: line(512).optional().describe("Words to find, all of them, at most 32; `word*` finds what begins so."),
  ...FacetQuery,
  before: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  ...NumberPageQuery,
}));
export type MessageQuery = z.input<typeof MessageQuery>;
export const MessageList = listOf(Message).register(NAMED, { id: "MessageList" });

export const ReadMark = strictObject(() => ({ agentId: AgentId.optional() }));

const contract = contracts("Messages");
const SENDING = words(
  "forbidden unknown-target not-claimable no-conversation reserved-kind reserved required-result loop-paused quota-exceeded idempotency-mismatch superseded",
);

export const sendMessage = contract("sendMessage", "POST /v1/messages", {
  summary: "Send a message",
  description: "201 the first time, 200 when the idempotency key was used before, 202 with a deliverAt to come.",
  body: MessageDraft,
  example: { to: "user", subject: "Build", body: "The build is green." },
  idempotent: true,
  answers: {
    201: { description: "Stored.", schema: SentMessage },
    200: { description: "Sent before with this key.", schema: SentMessage },
    202: { description: "Becomes a message at deliverAt.", schema: Scheduled },
  },
  problems: SENDING,
});

export const sendBatch = contract("sendBatch", "POST /v1/messages/batch", {
  summary: "Send many messages, all or nothing or each by itself",
  description:
    "With atomic=false each message is answered as if it came alone, in order and in one write: by the message and its status, or " +
    "by its problem. A message under a key that was used before is answered as before. A message without a key of its own gets one " +
    "of the Idempotency-Key header and its place.",
  query: BatchQuery,
  body: Batch,
  example: {
    messages: [
      { to: "user", body: "Part one." },
      { to: "user", body: "Part two." },
    ],
  },
  bodyLimit: BATCH_BYTES,
  many: { as: "messages", item: MessageDraft, max: MAX_BATCH, apart: "unless-atomic" },
  answers: {
    201: { description: "All stored.", schema: SentBatch },
    200: {
      description: "With atomic=false: the answer to each, in order. Else: all of it was sent before with these keys.",
      schema: z.union([SentEach, SentBatch]),
    },
  },
  idempotent: true,
  problems: SENDING,
});

export const listMessages = contract("listMessages", "GET /v1/messages", {
  ...paged(MessageQuery, MessageList, "A page; it may be short where much had to be passed over."),
  summary: "Find messages, newest first",
});

export const getMessage = contract("getMessage", "GET /v1/messages/{id}", {
  ...at(MessagePath, MessageDetail, "The message."),
  summary: "Get a message with its readers and attempts",
});

export const markRead = contract("markRead", "POST /v1/messages/{id}/read", {
  ...at(MessagePath, MessageDetail, "The message."),
  summary: "Mark a message as read",
  body: ReadMark,
  example: { agentId: "user" },
  bodyOptional: true,
  repeatable: true,
  problems: ["forbidden", "not-found", "superseded"],
});
