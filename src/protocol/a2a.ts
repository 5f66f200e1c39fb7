import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath } from "./agents.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { DelegationContext } from "./delegation-context.ts";
import { DelegationId, MAX_TIMEOUT_SECONDS } from "./delegations.ts";
import { BODY_BYTES } from "./limits.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { int, jsonValue, line, listOf, PageQuery, Time } from "./wire.ts";

/** Extension of the protocol for Signalbox, under `signalbox` in a message's metadata. */
export const OwnMetadata = strictObject(() => ({
  timeoutSeconds: int(1, MAX_TIMEOUT_SECONDS).nullish().describe("Seconds to wait for an answer."),
  parentId: DelegationId.nullish().describe("The task that this is part of: one that the sender works on."),
  context: DelegationContext.nullish(),
  causedBy: z.null().optional().describe("null: caused by nothing that its sender heard or works on."),
  about: z.literal("nothing").nullish().describe("The same, as tools of MCP say it."),
}));
export type OwnMetadata = z.output<typeof OwnMetadata>;

/**
 * One part of a message. Unknown members are let through everywhere here, as the protocol asks of readers; what the SDK
 * would turn into text of its own accord is refused.
 */
const Part = z.looseObject({
  text: z.string().nullish(),
  url: z.string().nullish(),
  raw: z.string().nullish(),
  filename: z.string().nullish(),
  mediaType: z.string().nullish(),
  /** Becomes indented text, which grows with the square of its depth. */
  data: jsonValue(BODY_BYTES).optional(),
  metadata: z.looseObject({}).nullish(),
});

const texts = z.array(z.string()).max(64).nullish();

/** Parameters of SendMessage and SendStreamingMessage. */
export const SendParams = z.looseObject({
  message: z.looseObject({
    messageId: line(200),
    contextId: z.string().nullish(),
    taskId: z.string().nullish(),
    role: z.union([z.literal("ROLE_USER"), z.literal(1)]),
    parts: z.array(Part).min(1).max(64),
    metadata: z.looseObject({ signalbox: OwnMetadata.nullish() }).nullish(),
    extensions: texts,
    referenceTaskIds: texts,
  }),
  configuration: z
    .looseObject({
      acceptedOutputModes: texts,
      historyLength: int(0, 1_000_000).nullish(),
      returnImmediately: z.boolean().nullish(),
    })
    .nullish(),
  metadata: z.looseObject({}).nullish(),
});

const printable = (max: number) =>
  z
    .string()
    .regex(/^[\x20-\x7e]*$/, "has other characters than printable ASCII")
    .max(max);

/** Address for news of a client's task, with the credentials that go into a header. */
export const PushDraft = object(() => ({
  id: z.union([line(128), z.literal("")]),
  url: z.string().min(1).max(2048),
  token: printable(4096),
  authentication: z
    .object({
      scheme: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9-]*$/, "has to be an HTTP authentication scheme, like Bearer")
        .max(32),
      credentials: printable(4096),
    })
    .optional(),
}));

/** The outside of a JSON-RPC request. */
export const RpcRequest = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string().max(256), z.int(), z.null()]).optional(),
  method: z.string().min(1).max(128),
});
export type RpcRequest = z.infer<typeof RpcRequest>;

/** A card, as far as this relay looks into it; cards of others may say more. */
export const Card = z
  .looseObject({
    name: z.string(),
    description: z.string(),
    version: z.string(),
    supportedInterfaces: z.array(
      z.looseObject({ url: z.string(), protocolBinding: z.string(), protocolVersion: z.string() }),
    ),
  })
  .describe("An A2A agent card (lf.a2a.v1.AgentCard as JSON).")
  .register(NAMED, { id: "Card" });
export type Card = z.infer<typeof Card>;

/** Characters that HTTP takes after `Bearer`, for a token that leaves the relay. */
const Secret = z
  .string()
  .regex(/^[\w.~+/=-]+$/, "is not a bearer token")
  .max(4096);

/** `PUT /v1/a2a/agents/{id}` */
export const OutsideDraft = strictObject(() => ({
  cardUrl: z
    .string()
    .min(1)
    .max(2048)
    .describe("Where its card is, with `/.well-known/agent-card.json` at the end or not."),
  token: Secret.nullish().describe("What it wants as a bearer token. Left out: as before; null: none."),
  name: line(128).optional().describe("Its card's name when left out."),
})).register(NAMED, { id: "OutsideDraft" });
export type OutsideDraft = z.input<typeof OutsideDraft>;

export const OUTSIDE_STATES = ["pending", "reachable", "unreachable"] as const;

export const OutsideAgent = named("OutsideAgent", "An A2A agent out there, which has an inbox here.", () => ({
  agentId: z.string(),
  cardUrl: z.string(),
  state: z.enum(OUTSIDE_STATES).describe("pending: its card has not been fetched yet."),
  error: z.string().nullable().describe("Why it could not be reached."),
  failingSince: Time.nullable(),
  url: z.string().nullable().describe("Where it is called, as its card says."),
  binding: z.string().nullable().describe("JSONRPC or HTTP+JSON."),
  hasToken: z.boolean(),
  open: z.int().describe("Tasks it works on now."),
  checkedAt: Time.nullable(),
  createdAt: Time,
}));
export type OutsideAgent = z.infer<typeof OutsideAgent>;

export const OutsideQuery = strictObject(() => ({ ...PageQuery, page: AgentId.optional() }));
export type OutsideQuery = z.input<typeof OutsideQuery>;
export const OutsideList = listOf(OutsideAgent).register(NAMED, { id: "OutsideList" });

const contract = contracts("A2A");
const cardAnswers = {
  200: { description: "The card.", schema: Card },
  304: { description: "Unchanged since the given ETag." },
};

export const relayCard = contract("relayCard", "GET /.well-known/agent-card.json", {
  summary: "Get the relay's A2A card",
  open: true,
  answers: cardAnswers,
});

export const agentCard = contract("agentCard", "GET /a2a/{agentId}/.well-known/agent-card.json", {
  summary: "Get an agent's A2A card",
  description: "Of AI agents alone: people, channels and machines have none.",
  open: true,
  params: z.strictObject({ agentId: AgentId }),
  answers: cardAnswers,
  problems: ["not-found", "bad-request"],
});

export const putOutsideAgent = contract("putOutsideAgent", "PUT /v1/a2a/agents/{id}", {
  summary: "Admit an A2A agent by its card",
  description:
    "It is an agent here from then on, under this id: what comes into its inbox is brought to it over A2A and tried again, " +
    "and what it answers comes back in its name. Its card is fetched right after this, and every five minutes. It goes " +
    "with `DELETE /v1/agents/{id}`.",
  params: AgentPath,
  body: OutsideDraft,
  example: { cardUrl: "https://agent.example.org" },
  repeatable: true,
  answers: made(OutsideAgent, "Let in; see `state` later.", "Changed."),
  problems: ["forbidden", "conflict", "superseded", "unknown-instance", "group-not-allowed"],
});

export const listOutsideAgents = contract("listOutsideAgents", "GET /v1/a2a/agents", {
  ...paged(OutsideQuery, OutsideList),
  summary: "List external A2A agents",
});

export const getOutsideAgent = contract("getOutsideAgent", "GET /v1/a2a/agents/{id}", {
  ...at(AgentPath, OutsideAgent, "As it is now."),
  summary: "Get an external A2A agent",
});

export const refreshOutsideAgent = contract("refreshOutsideAgent", "POST /v1/a2a/agents/{id}/refresh", {
  ...at(AgentPath, OutsideAgent, "As it was before that."),
  summary: "Fetch an external agent's card now, and retry what waits",
  repeatable: true,
});
