import { z } from "zod";
import { RosterAgent } from "./agents.ts";
import {
  Entry,
  Holding,
  Message,
  MessageDraft,
  MessageFilter,
  MessageKind,
  Parent,
  Topic,
  WorkState,
} from "./messages.ts";
import { Bool, Int, MessageId, Position, queryInt, Str } from "./wire.ts";
import { ClaimNext, Complete, Fail, Release, Renew } from "./work.ts";

/** Retention took something that this reader had not acknowledged. */
export const Reset = z.object({
  firstId: MessageId.describe("The oldest entry that may still be there."),
  lost: z.int().describe("How many entries for this agent were deleted unacknowledged."),
});
export type Reset = z.infer<typeof Reset>;

export const InboxQuery = z.strictObject({
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional().describe("The stored cursor when left out."),
  limit: queryInt(1, 500).default(50),
  waitSeconds: queryInt(0, 60).default(0),
  ackUpTo: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  include: z.literal("parent").optional(),
  kind: MessageKind.optional(),
  topic: Topic.optional(),
  claimable: z.literal("open").optional(),
});
export type InboxQuery = z.input<typeof InboxQuery>;

export const StreamQuery = z.strictObject({
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  include: z.literal("parent").optional(),
  ack: z.literal("resume").optional().describe("Also acknowledges what Last-Event-ID names."),
});

/** An entry; with include=parent also what it replies to. */
export const Followed = Entry.extend({ parent: Parent.optional() });
export type Followed = z.infer<typeof Followed>;

export const InboxItem = Message.extend({
  settled: z
    .literal(true)
    .optional()
    .describe("Needs nothing more: work that ended or that another agent holds, a request that was answered."),
});

export const Inbox = z.object({
  items: z.array(InboxItem),
  next: Position.optional().describe("The `after` of the next call. Not there when the read was filtered."),
  cursor: Position.describe("How far the agent has acknowledged."),
  head: Position.describe("The newest place in the log."),
  more: Bool,
  open: z.boolean().describe("There is work to claim."),
  reset: Reset.optional(),
});
export type Inbox = z.infer<typeof Inbox>;

export const Ack = z.strictObject({ upTo: Position });
export const Acked = z.object({
  cursor: Position,
  skipped: z.int().describe("How many of the newly acknowledged entries were never offered."),
});
export type Acked = z.infer<typeof Acked>;

export const WatchQuery = z.strictObject({
  ...MessageFilter,
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
});
export type WatchQuery = z.input<typeof WatchQuery>;

/** The frames of an inbox stream: SSE events (`event:` is `type`) and WebSocket frames alike. */
export const Hello = z.object({
  agentId: Str,
  epoch: Int,
  cursor: Position,
  head: Position,
  firstId: Position,
  open: Bool,
  agents: z.array(RosterAgent),
  agentsTotal: z.int().describe("All there are; the roster holds the first 500, online ones first."),
});
export type Hello = z.infer<typeof Hello>;
export const BYE_REASONS = ["superseded", "restarting", "too-slow", "replaced", "revoked"] as const;
export const Bye = z.object({ reason: z.enum(BYE_REASONS), resumeAfter: Position });
export type Bye = z.infer<typeof Bye>;
/** What watchers are told when the state of work changes. */
export const WorkChange = z.object({ messageId: MessageId, state: WorkState, claim: Holding.nullable() });
export type WorkChange = z.infer<typeof WorkChange>;

/** A browser's first frame. */
export const AuthFrame = z.strictObject({
  type: z.literal("auth"),
  token: z.string().max(512),
  instanceId: z.string().min(1).max(128).optional(),
});

const ref = z.union([z.string().max(128), z.int()]);
/** What a client may send over the socket; each is answered by `ok` or `problem` with its `ref`. */
export const SocketRequest = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("send"), ref, message: MessageDraft }),
  z.strictObject({ type: z.literal("ack"), ref, upTo: Position }),
  // Nobody has to wait here: a message or `open` says when there is work.
  z.strictObject({
    type: z.literal("claim"),
    ref,
    messageId: MessageId.optional(),
    ...ClaimNext.omit({ waitSeconds: true }).shape,
  }),
  z.strictObject({ type: z.literal("renew"), ref, messageId: MessageId, ...Renew.shape }),
  z.strictObject({ type: z.literal("release"), ref, messageId: MessageId, ...Release.shape }),
  z.strictObject({ type: z.literal("fail"), ref, messageId: MessageId, ...Fail.shape }),
  z.strictObject({ type: z.literal("complete"), ref, messageId: MessageId, ...Complete.shape }),
  z.strictObject({
    type: z.literal("heartbeat"),
    ref,
    ...{ status: z.string().optional(), ready: z.boolean().optional() },
  }),
]);
export type SocketRequest = z.infer<typeof SocketRequest>;
