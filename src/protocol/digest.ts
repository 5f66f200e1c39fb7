import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath } from "./agents.ts";
import { at, contracts } from "./contract.ts";
import { object, strictObject } from "./shape.ts";
import { MessageId, MessagePath, Position, queryInt } from "./wire.ts";

export const DigestQuery = strictObject(() => ({
  budget: queryInt(300, 20_000).default(2000).describe("Most tokens of the text."),
  include: z.literal("parent").optional().describe("Replies show the beginning of their parent."),
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional().describe("The stored cursor when left out."),
}));
export type DigestQuery = z.input<typeof DigestQuery>;

export const Digest = object(() => ({
  agentId: z.string(),
  text: z.string().describe("What a model may be given: a head by the relay, then text by others in envelopes."),
  head: z.string().describe("Its beginning: the relay's own words, nothing by others."),
  unread: z.int().describe("Number of checked entries that need something; `more` says that others follow."),
  urgent: z.int(),
  more: z.boolean(),
  shown: z.array(MessageId).describe("Those that are in the text, whole or cut with a way to the rest."),
  folded: z.int().describe("How many are there by their thread alone."),
  leftOut: z.int(),
  newest: MessageId.nullable().describe("The newest unread message that was looked at; null when nothing is unread."),
  ack: Position.nullable().describe("Everything up to here was shown or is settled; null when not even the oldest is."),
  cursor: Position.describe("How far the agent has acknowledged."),
  open: z.boolean().describe("There is work to claim."),
  held: z.int().describe("How many claims it holds."),
  owed: z.int().describe("How many answers it owes, at most 50."),
})).describe("What waits for an agent, as one text.");
export type Digest = z.infer<typeof Digest>;

export const readDigest = contracts("Inbox")("readDigest", "GET /v1/agents/{id}/inbox/digest", {
  ...at(AgentPath, Digest, "The text, and what is in it."),
  summary: "Read an agent's unread messages as one text for a model",
  description:
    "Urgent ones first, then the oldest, each in an envelope that says who wrote it; the rest folded by thread. Moves " +
    "nothing: acknowledge up to `ack` once the model has the text.",
  query: DigestQuery,
  problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log"],
});

export const LetterQuery = strictObject(() => ({
  agent: AgentId.optional().describe("Reader, where the caller acts for several; the token's own agent when left out."),
  budget: queryInt(300, 200_000).default(20_000).describe("Most tokens of the text."),
  offset: queryInt(0, Number.MAX_SAFE_INTEGER).default(0).describe("Place in a long body where the text begins."),
}));
export type LetterQuery = z.input<typeof LetterQuery>;

export const MessageLetter = object(() => ({
  id: MessageId,
  text: z.string().describe("What a model may be given: the message in its envelope."),
  next: z.int().nullable().describe("Offset of the rest of a body that was cut."),
}));
export type MessageLetter = z.infer<typeof MessageLetter>;

export const readLetter = contracts("Messages")("readLetter", "GET /v1/messages/{id}/letter", {
  ...at(MessagePath, MessageLetter, "The text."),
  summary: "Read one message as a text for a model",
  description: "For an agent, and the orchestrator that enrolled it. The envelope says who wrote it. Moves nothing.",
  query: LetterQuery,
  problems: ["forbidden", "not-found", "superseded"],
});
