import { z } from "zod";
import { AgentPath, RosterAgent } from "./agents.ts";
import { at, contracts } from "./contract.ts";
import { Entry, Holding, Message, MessageKind, Parent, Topic, WorkState } from "./messages.ts";
import { NAMED, object, strictObject } from "./shape.ts";
import { Bool, Int, MessageId, Position, queryInt, Str } from "./wire.ts";

/** Retention took something that this reader had not acknowledged. */
export const Reset = object(() => ({
  firstId: MessageId.describe("The oldest entry that may still be there."),
  lost: z.int().describe("How many entries for this agent were deleted unacknowledged."),
})).register(NAMED, { id: "Reset" });
export type Reset = z.infer<typeof Reset>;

export const InboxQuery = strictObject(() => ({
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional().describe("The stored cursor when left out."),
  limit: queryInt(1, 500).default(50),
  waitSeconds: queryInt(0, 60).default(0),
  ackUpTo: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  include: z.literal("parent").optional(),
  kind: MessageKind.optional(),
  topic: Topic.optional(),
  claimable: z.literal("open").optional(),
}));
export type InboxQuery = z.input<typeof InboxQuery>;

/** An entry; with include=parent also what it replies to. */
export const Followed = object(() => ({ ...Entry.shape, parent: Parent.optional() })).register(NAMED, {
  id: "Followed",
});
export type Followed = z.infer<typeof Followed>;

export const InboxItem = object(() => ({
  ...Message.shape,
  settled: z
    .literal(true)
    .optional()
    .describe(
      "Needs nothing more: work that ended or that another agent holds, a request that was answered, " +
        "an answer that a tool has handed to the model of its asker.",
    ),
})).register(NAMED, { id: "InboxItem" });

export const Inbox = object(() => ({
  items: z.array(InboxItem),
  next: Position.optional().describe("The `after` of the next call. Not there when the read was filtered."),
  lookAfter: Position.optional().describe(
    "Of a filtered read: the `after` of the next one, also where nothing was found. Not to be acknowledged: not all up to there was shown.",
  ),
  cursor: Position.describe("How far the agent has acknowledged."),
  head: Position.describe("The newest place in the log."),
  more: z.boolean().describe("There is more to read; a filtered read visits 2,000 entries at most."),
  open: z.boolean().describe("There is work to claim."),
  reset: Reset.optional(),
})).register(NAMED, { id: "Inbox" });
export type Inbox = z.infer<typeof Inbox>;

export const Ack = strictObject(() => ({ upTo: Position }));
export const Acked = object(() => ({
  cursor: Position,
  skipped: z.int().describe("How many of the newly acknowledged entries were never offered."),
})).register(NAMED, { id: "Acked" });
export type Acked = z.infer<typeof Acked>;

/** The frames of an inbox stream: SSE events (`event:` is `type`) and WebSocket frames alike. */
export const Hello = object(() => ({
  agentId: Str,
  epoch: Int,
  cursor: Position,
  head: Position,
  firstId: Position,
  open: Bool,
  agents: z.array(RosterAgent),
  agentsTotal: z.int().describe("All there are; the roster holds the first 500, online ones first."),
})).register(NAMED, { id: "Hello" });
export type Hello = z.infer<typeof Hello>;
export const BYE_REASONS = ["superseded", "restarting", "too-slow", "replaced", "revoked"] as const;
export const Bye = object(() => ({ reason: z.enum(BYE_REASONS), resumeAfter: Position })).register(NAMED, {
  id: "Bye",
});
export type Bye = z.infer<typeof Bye>;
/** News of work for watchers, at each change of its state. */
export const WorkChange = object(() => ({
  messageId: MessageId,
  state: WorkState,
  claim: Holding.nullable(),
})).register(NAMED, { id: "WorkChange" });
export type WorkChange = z.infer<typeof WorkChange>;

const contract = contracts("Inbox");

export const readInbox = contract("readInbox", "GET /v1/agents/{id}/inbox", {
  ...at(AgentPath, Inbox, "A page, oldest first."),
  summary: "Read an inbox",
  description:
    "Starts at the stored cursor, or after `after`. Reading moves nothing; `ackUpTo` acknowledges first. With kind, " +
    "topic or claimable it is for looking: there is no `next` to acknowledge, and `lookAfter` says where to go on while there is " +
    "`more`. claimable=open starts at the oldest open work without `after`. waitSeconds waits for an entry that passes.",
  long: true,
  query: InboxQuery,
  problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log"],
});

export const ackInbox = contract("ackInbox", "POST /v1/agents/{id}/inbox/ack", {
  ...at(AgentPath, Acked, "Where the cursor is now, and how much was never offered."),
  summary: "Acknowledge everything up to a place",
  body: Ack,
  example: { upTo: 1 },
  repeatable: true,
  problems: ["forbidden", "gone", "superseded", "ahead-of-log"],
});

const named = { agentId: Str, upTo: Position };
/** Event `inbox` for people who watch. */
export const InboxNews = object(() => ({
  offered: z.array(object(() => ({ ...named, after: Position }))).describe("Mail handed to an agent: after, up to."),
  acknowledged: z.array(object(() => named)),
  inTurn: z.array(MessageId).describe("Messages that went into a model turn."),
  more: z.boolean().describe("true: more happened than is named."),
})).describe("How far mail came. Told once a second at most, over all agents, and not for those who filter.");
export type InboxNews = z.infer<typeof InboxNews>;
