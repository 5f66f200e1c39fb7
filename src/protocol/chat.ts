import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { contracts } from "./contract.ts";
import { CHAT_BYTES, ChatBody, UiChunk } from "./run-events.ts";
import { NAMED, strictObject, words } from "./shape.ts";
import { line } from "./wire.ts";

const contract = contracts("Chat");
const CHUNKS = {
  description: "UI message chunks of the AI SDK, one per data line, then [DONE].",
  type: "text/event-stream",
  events: { message: UiChunk },
};
const REFUSED = words("forbidden superseded unknown-target not-found gone too-many-streams quota-exceeded loop-paused");

export const chat = contract("chat", "POST /v1/chat/{agentId}", {
  summary: "Say something to an agent and follow its answer",
  description:
    "The `api` of the AI SDK's DefaultChatTransport. Reads the last user message alone, whose id makes a repeat the same, " +
    "and answers with the stream of its turn. A closed connection aborts nothing: abort the run instead.",
  long: true,
  params: strictObject(() => ({ agentId: AgentId })),
  body: ChatBody,
  example: { id: "plans", messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "Which files?" }] }] },
  bodyLimit: CHAT_BYTES,
  answers: { 200: CHUNKS },
  problems: [...REFUSED, "idempotency-mismatch"],
});

export const resumeChat = contract("resumeChat", "GET /v1/chat/{agentId}/{chatId}/stream", {
  summary: "Follow the live turn of a chat",
  description: "Replays it from its start. 204 when nothing runs.",
  long: true,
  params: strictObject(() => ({ agentId: AgentId, chatId: line(512) })),
  answers: { 200: CHUNKS, 204: { description: "Nothing runs." } },
  problems: REFUSED,
});

/** AG-UI's RunAgentInput, as far as the relay reads it. Unknown members are ignored. */
export const AgUiInput = z.looseObject({
  threadId: line(512),
  runId: line(512),
  messages: z.array(z.looseObject({ id: z.string().optional(), role: z.string(), content: z.unknown().optional() })),
  tools: z.array(z.unknown()).optional(),
  resume: z
    .array(z.looseObject({ interruptId: z.string(), status: z.string(), payload: z.unknown().optional() }))
    .optional(),
});
export type AgUiInput = z.output<typeof AgUiInput>;

const AgUiEvent = z.looseObject({ type: z.string() }).register(NAMED, { id: "AgUiEvent" });

export const agui = contract("agui", "POST /v1/agui/{agentId}", {
  summary: "Run an agent by AG-UI 1.0",
  description:
    "RunAgentInput in, AG-UI events out. `runId` makes a repeat the same; `tools` are refused. An approval that waits ends the " +
    "stream as an interrupt, and `resume` answers it by a payload `{ option, text?, hash }`.",
  long: true,
  params: strictObject(() => ({ agentId: AgentId })),
  body: AgUiInput,
  example: { threadId: "plans", runId: "r1", messages: [{ id: "m1", role: "user", content: "Which files?" }] },
  bodyLimit: CHAT_BYTES,
  answers: {
    200: { description: "AG-UI events, one per data line.", type: "text/event-stream", events: { message: AgUiEvent } },
  },
  problems: [...REFUSED, "idempotency-mismatch", "not-open"],
});
