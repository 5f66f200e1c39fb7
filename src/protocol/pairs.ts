import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { BODY_BYTES, JSON_BYTES } from "./limits.ts";
import { Message } from "./messages.ts";
import { NAMED, named, namedEnum, strictObject, words } from "./shape.ts";
import { EncodingInput, int, jsonObject, line, listOf, MessageId, PageQuery, StrOrNull, Time, text } from "./wire.ts";

export const PairId = z
  .string()
  .regex(/^pair_[a-z0-9]{1,64}$/, "has to be the id of a pair, like pair_7k2m")
  .describe("pair_...");

export const PairStatus = namedEnum(
  "PairStatus",
  "pending and active are live: a couple has at most one such pair.",
  words("pending active rejected ended expired"),
);
export type PairStatus = z.infer<typeof PairStatus>;

/** Event that a `pair` message tells of, in its payload as `pairEvent`. */
export const PAIR_EVENTS = ["requested", "accepted", "rejected", "ended", "expired", "message"] as const;
export type PairEvent = (typeof PAIR_EVENTS)[number];

/** `POST /v1/pairs`. */
export const PairDraft = strictObject(() => ({
  requester: AgentId.optional().describe("The token's agent when left out; only an operator may name another."),
  target: AgentId,
  objective: text(8192).nullish().describe("What they want to do together."),
  timeoutSeconds: int(1, 30 * 86_400)
    .default(3600)
    .describe("If it is not accepted by then, it expires."),
})).register(NAMED, { id: "PairDraft" });
export type PairDraft = z.input<typeof PairDraft>;
export type ParsedPair = z.output<typeof PairDraft>;

/** `POST .../accept`, `/reject` and `/end`. */
export const PairStep = strictObject(() => ({
  agentId: AgentId.optional().describe("The member who does it: the token's agent when left out."),
  reason: text(4096).optional(),
})).register(NAMED, { id: "PairStep" });
export type PairStep = z.input<typeof PairStep>;

/** `POST .../messages`: goes to the other member, in the pair's thread. */
export const PairMessage = strictObject(() => ({
  from: AgentId.optional(),
  subject: line(512).nullish().describe("`Pair <id>` when left out."),
  body: text(BODY_BYTES),
  replyTo: MessageId.nullish().describe("A message of the pair's thread; its first when left out."),
  encoding: EncodingInput,
  payload: jsonObject(JSON_BYTES).nullish(),
})).register(NAMED, { id: "PairMessage" });
export type PairMessage = z.input<typeof PairMessage>;
export type ParsedPairMessage = z.output<typeof PairMessage>;

export const Pair = named("Pair", "Two agents that agreed, or were asked, to work together.", () => ({
  id: PairId,
  requester: z.string(),
  target: z.string(),
  objective: z.string().nullable(),
  status: PairStatus,
  threadId: MessageId,
  reason: z.string().nullable().describe("Why it was rejected or ended, where somebody said so."),
  endedBy: StrOrNull.describe("Who rejected or ended it; `system` when it expired or a member was deleted."),
  createdAt: Time,
  expiresAt: Time.describe("Until when it can be accepted."),
  acceptedAt: Time.nullable(),
  acceptedPerson: StrOrNull.describe("The person that accepted it at user."),
  endedPerson: StrOrNull.describe("The person that rejected or ended it."),
  endedAt: Time.nullable(),
}));
export type Pair = z.infer<typeof Pair>;

export const PairQuery = strictObject(() => ({
  agent: AgentId.optional().describe("Of which it is a member."),
  status: PairStatus.optional(),
  ...PageQuery,
  page: PairId.optional(),
}));
export type PairQuery = z.input<typeof PairQuery>;
export const PairList = listOf(Pair).register(NAMED, { id: "PairList" });

const Path = strictObject(() => ({ id: PairId }));
const contract = contracts("Pairs");
const step = {
  ...{ params: Path, body: PairStep, bodyOptional: true, repeatable: true },
  example: { reason: "The build is fast again." },
  answers: { 200: { description: "As it is now, also when it was so before.", schema: Pair } },
  problems: ["forbidden", "superseded", "not-found", "conflict"] as const,
};

export const askForPair = contract("askForPair", "POST /v1/pairs", {
  summary: "Ask another agent to work together",
  description: "Both are sent a `pair` message at each step. It expires when it is not accepted in time.",
  body: PairDraft,
  example: { target: "reviewer", objective: "Find out why the build is slow." },
  idempotent: true,
  answers: made(Pair, "Asked.", "Asked before with this key."),
  problems: words("forbidden superseded conflict unknown-target loop-paused quota-exceeded idempotency-mismatch"),
});

export const listPairs = contract("listPairs", "GET /v1/pairs", {
  ...paged(PairQuery, PairList),
  summary: "List pairs, newest first",
  problems: ["forbidden", "superseded"],
});

export const getPair = contract("getPair", "GET /v1/pairs/{id}", {
  ...at(Path, Pair, "The pair."),
  summary: "Get a pair",
  problems: ["forbidden", "superseded", "not-found"],
});

export const acceptPair = contract("acceptPair", "POST /v1/pairs/{id}/accept", {
  ...step,
  summary: "Accept a pair, as the agent that was asked",
});

export const rejectPair = contract("rejectPair", "POST /v1/pairs/{id}/reject", {
  ...step,
  summary: "Reject a pair, as the agent that was asked",
});

export const endPair = contract("endPair", "POST /v1/pairs/{id}/end", {
  ...step,
  summary: "End a pair, or withdraw the request",
});

export const sayToPair = contract("sayToPair", "POST /v1/pairs/{id}/messages", {
  summary: "Send the other member a message in the pair's thread",
  params: Path,
  body: PairMessage,
  example: { body: "The linker takes half of the time." },
  idempotent: true,
  answers: made(Message, "Sent.", "Sent before with this key."),
  problems: words(
    "forbidden superseded not-found conflict gone reserved loop-paused quota-exceeded idempotency-mismatch",
  ),
});
