import { z } from "zod";
import { AgentId } from "./agents.ts";
import { BODY_BYTES, JSON_BYTES } from "./messages.ts";
import { EncodingInput, jsonObject, line, listOf, MessageId, PageQuery, Time, text } from "./wire.ts";

export const PairId = z
  .string()
  .regex(/^pair_[a-z0-9]{1,64}$/, "has to be the id of a pair, like pair_7k2m")
  .describe("pair_...");

export const PairStatus = z
  .enum(["pending", "active", "rejected", "ended", "expired"])
  .describe("pending and active are live: a couple has at most one such pair.");
export type PairStatus = z.infer<typeof PairStatus>;

/** What a `pair` message is about: in its payload as `pairEvent`. */
export const PAIR_EVENTS = ["requested", "accepted", "rejected", "ended", "expired", "message"] as const;
export type PairEvent = (typeof PAIR_EVENTS)[number];

/** `POST /v1/pairs`. */
export const PairDraft = z.strictObject({
  requester: AgentId.optional().describe("The token's agent when left out; only an operator may name another."),
  target: AgentId,
  objective: text(8192).nullish().describe("What they want to do together."),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(30 * 86_400)
    .default(3600)
    .describe("If it is not accepted by then, it expires."),
});
export type PairDraft = z.input<typeof PairDraft>;
export type ParsedPair = z.output<typeof PairDraft>;

/** `POST .../accept`, `/reject` and `/end`. */
export const PairStep = z.strictObject({
  agentId: AgentId.optional().describe("The member who does it: the token's agent when left out."),
  reason: text(4096).optional(),
});
export type PairStep = z.input<typeof PairStep>;

/** `POST .../messages`: goes to the other member, in the pair's thread. */
export const PairMessage = z.strictObject({
  from: AgentId.optional(),
  subject: line(512).nullish().describe("`Pair <id>` when left out."),
  body: text(BODY_BYTES),
  replyTo: MessageId.nullish().describe("A message of the pair's thread; its first when left out."),
  encoding: EncodingInput,
  payload: jsonObject(JSON_BYTES).nullish(),
});
export type PairMessage = z.input<typeof PairMessage>;
export type ParsedPairMessage = z.output<typeof PairMessage>;

export const Pair = z
  .object({
    id: PairId,
    requester: z.string(),
    target: z.string(),
    objective: z.string().nullable(),
    status: PairStatus,
    threadId: MessageId,
    reason: z.string().nullable().describe("Why it was rejected or ended, where somebody said so."),
    endedBy: z
      .string()
      .nullable()
      .describe("Who rejected or ended it; `system` when it expired or a member was deleted."),
    createdAt: Time,
    expiresAt: Time.describe("Until when it can be accepted."),
    acceptedAt: Time.nullable(),
    endedAt: Time.nullable(),
  })
  .describe("Two agents that agreed, or were asked, to work together.");
export type Pair = z.infer<typeof Pair>;

export const PairQuery = z.strictObject({
  agent: AgentId.optional().describe("Of which it is a member."),
  status: PairStatus.optional(),
  ...PageQuery,
  page: PairId.optional(),
});
export type PairQuery = z.input<typeof PairQuery>;
export const PairList = listOf(Pair);
