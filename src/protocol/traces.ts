import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { Message } from "./messages.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { levelOf, TRACE_TYPES } from "./trace-types.ts";
import {
  Encoding,
  EncodingInput,
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

export const CONTENT_BYTES = 16 * 1024;
export const METADATA_BYTES = 4 * 1024;
/** Traces in one call. */
export const MAX_CALL = 100;
export const TraceLevel = z
  .union([z.literal(2), z.literal(3)])
  .describe("2: what the agent thought. 3: what it did. (1 are the messages themselves.)");
export type TraceLevel = z.infer<typeof TraceLevel>;

export const TraceType = z
  .string()
  .max(64)
  .regex(
    /^[a-z][a-z0-9_.-]*$/,
    "has to be a type of trace, like tool_call: a lower-case letter, then letters, digits and _ . -",
  )
  .describe(
    `Level 2: ${TRACE_TYPES[2].join(", ")}. Level 3: ${TRACE_TYPES[3].join(", ")}. Other names are taken at both.`,
  );

/** One thing that an agent thought or did about a message. */
export const TraceDraft = strictObject(() => ({
  level: TraceLevel,
  type: TraceType,
  content: text(CONTENT_BYTES),
  encoding: EncodingInput,
  metadata: jsonObject(METADATA_BYTES).nullish(),
}))
  .superRefine(({ level, type }, ctx) => {
    const known = levelOf(type);
    if (known !== undefined && known !== level)
      ctx.addIssue({ code: "custom", path: ["type"], message: `${type} is of level ${known}` });
  })
  .register(NAMED, { id: "TraceDraft" });
export type TraceDraft = z.input<typeof TraceDraft>;

/** `POST /v1/messages/{id}/traces`. */
export const TraceDrafts = z.array(TraceDraft).min(1).max(MAX_CALL);
export const TraceBy = strictObject(() => ({
  agentId: AgentId.optional().describe(
    "The token's agent when left out. An operator may name another, an orchestrator one that it has enrolled.",
  ),
}));

export const Trace = named("Trace", "One thing that an agent thought or did about a message.", () => ({
  id: z.int().describe("Rises from trace to trace, over all messages."),
  messageId: MessageId,
  number: z.int().describe("Which of its message's traces it is, from 1: a stream that leaves one out has dropped it."),
  agentId: Str,
  via: z.string().nullable().describe("The operator token that wrote it in this name."),
  person: z.string().nullable().describe("The person that wrote it."),
  level: TraceLevel,
  type: Str,
  content: Str,
  encoding: Encoding.describe("Encoding of content and metadata."),
  metadata: z.record(Str, z.unknown()).nullable(),
  createdAt: Time,
}));
export type Trace = z.infer<typeof Trace>;

export const TracesAdded = object(() => ({ items: z.array(Trace) })).register(NAMED, { id: "TracesAdded" });
export type TracesAdded = z.infer<typeof TracesAdded>;

export const TraceQuery = strictObject(() => ({
  level: queryInt(2, 3).default(3).describe("The deepest level shown."),
  type: TraceType.optional(),
  agent: AgentId.optional(),
  ...NumberPageQuery,
}));
export type TraceQuery = z.input<typeof TraceQuery>;
export const TraceList = listOf(Trace).register(NAMED, { id: "TraceList" });

export const HistoryQuery = strictObject(() => ({
  thread: queryInt(1, Number.MAX_SAFE_INTEGER).optional().describe("Any message of the thread."),
  level: queryInt(1, 3)
    .default(1)
    .describe("1: messages alone. 2: with what agents thought about them. 3: with what they did, too."),
  agent: AgentId.optional().describe("Messages sent by it or addressed to it; of their traces, its own."),
  sender: AgentId.optional().describe("Messages sent by it; `user` is the person."),
  traceType: TraceType.optional().describe("Narrows the traces, not the messages."),
  q: line(512).optional().describe("Words to find in subject and body, all of them. Traces are not searched."),
  before: queryInt(1, Number.MAX_SAFE_INTEGER).optional().describe("Messages older than this one."),
  ...NumberPageQuery,
}));
export type HistoryQuery = z.input<typeof HistoryQuery>;

export const HistoryItem = object(() => ({
  ...Message.shape,
  traces: z.array(Trace).optional().describe("From level 2 on: oldest first."),
  tracesPage: StrOrNull.optional().describe(
    "When not all are shown: the `page` of GET /v1/messages/{id}/traces that goes on.",
  ),
})).register(NAMED, { id: "HistoryItem" });
export type HistoryItem = z.infer<typeof HistoryItem>;
export const History = listOf(HistoryItem).register(NAMED, { id: "History" });

const contract = contracts("Traces");

export const addTraces = contract("addTraces", "POST /v1/messages/{id}/traces", {
  summary: "Add traces to a message",
  description:
    "By whoever may read the message, in its own name. At most 100 a call; a message keeps 1,000 and 4 MiB of them.",
  params: MessagePath,
  query: TraceBy,
  body: TraceDrafts,
  example: [{ level: 3, type: "command", content: "bun test" }],
  idempotent: true,
  answers: made(TracesAdded, "Stored, in this order.", "Stored before with this key."),
  problems: ["forbidden", "not-found", "conflict", "superseded", "idempotency-mismatch"],
});

export const listTraces = contract("listTraces", "GET /v1/messages/{id}/traces", {
  ...at(MessagePath, TraceList, "A page."),
  summary: "List a message's traces, oldest first",
  query: TraceQuery,
  problems: ["forbidden", "not-found", "superseded"],
});

export const readHistory = contract("readHistory", "GET /v1/history", {
  ...paged(HistoryQuery, History),
  summary: "Read messages with their traces",
  description:
    "The newest page first; within a page oldest first. `nextPage` leads to older messages, by id: what comes meanwhile shifts nothing. " +
    "A page may be short where much had to be passed over. Encrypted messages are carried, never searched.",
  problems: ["forbidden", "superseded"],
});
