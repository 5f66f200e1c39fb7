import { z } from "zod";
import { EVENT_BYTES } from "./limits.ts";
import { FileId } from "./posts.ts";
import { TurnId, UsageInput } from "./runs.ts";
import { NAMED, object, strictObject } from "./shape.ts";
import {
  Bool,
  Int,
  int,
  jsonObject,
  jsonValue,
  line,
  MessageId,
  queryInt,
  Str,
  Time,
  TimeInput,
  text,
} from "./wire.ts";

/** Most bytes of one call. */
export const EVENTS_BYTES = 8 * 1024 * 1024;
/** Most events in one call. */
export const MAX_EVENTS = 5000;

const id = line(256);
const anything = jsonValue(EVENT_BYTES);
const FileRef = strictObject(() => ({ fileId: FileId, name: line(512).optional(), mediaType: line(255).optional() }));

/** Data of each event stream. Its members beside these are refused. */
export const EVENT_DATA = {
  lifecycle: strictObject(() => ({ phase: z.enum(["start", "end", "error"]), error: anything.optional() })),
  assistant: strictObject(() => ({
    delta: text(EVENT_BYTES).optional(),
    text: text(EVENT_BYTES).optional().describe("The whole text so far, of runners that send no deltas."),
    files: z.array(FileRef).max(32).optional(),
    error: anything.optional().describe("The provider's error."),
  })),
  thinking: strictObject(() => ({ delta: text(EVENT_BYTES) })),
  tool: strictObject(() => ({
    phase: z.enum(["start", "update", "result"]),
    toolCallId: id,
    name: line(256).optional(),
    args: anything.optional(),
    result: anything.optional(),
    isError: z.boolean().optional(),
  })),
  status: strictObject(() => ({ text: text(2048) })),
  compaction: strictObject(() => ({ phase: z.enum(["start", "end"]), willRetry: z.boolean().optional() })),
  usage: UsageInput,
  input: strictObject(() => ({
    messageIds: z.array(MessageId).min(1).max(1000),
    state: z.enum(["queued", "started", "cancelled"]),
  })),
  diff: strictObject(() => ({
    path: line(4096),
    change: z.enum(["added", "modified", "deleted", "renamed"]),
    added: Int.min(0),
    removed: Int.min(0),
    patch: text(EVENT_BYTES).optional(),
  })),
} as const;
export type EventStream = keyof typeof EVENT_DATA;
export type EventData<S extends EventStream> = z.output<(typeof EVENT_DATA)[S]>;

const head = () => ({
  source: line(128).describe("The runner's own sequence; a runner that cannot fill a gap begins a new one at 0."),
  seq: int(0, Number.MAX_SAFE_INTEGER).describe("Number within the source, from 0."),
  turnId: TurnId.optional(),
  at: TimeInput.optional(),
});
const event = <S extends EventStream>(stream: S) =>
  strictObject(() => ({ ...head(), stream: z.literal(stream), data: EVENT_DATA[stream] }));

/** One event of a runner. */
export const RunEvent = z
  .discriminatedUnion("stream", [
    ...([event("lifecycle"), event("assistant"), event("thinking"), event("tool"), event("status")] as const),
    ...([event("compaction"), event("usage"), event("input"), event("diff")] as const),
  ])
  .register(NAMED, { id: "RunEvent" });
export type RunEventInput = z.input<typeof RunEvent>;
export type RunEvent = z.output<typeof RunEvent>;
export const RunEvents = strictObject(() => ({ events: z.array(RunEvent).max(MAX_EVENTS) }));

export const EventsAppended = object(() => ({
  next: Int.describe("Sequence number expected next from this source."),
  missing: object(() => ({ from: Int, to: Int }))
    .optional()
    .describe("A gap: nothing from it on was stored. Send from there, or go on under a new source."),
})).register(NAMED, { id: "EventsAppended" });
export type EventsAppended = z.infer<typeof EventsAppended>;

/** A stored part, in the vocabulary of the AI SDK's UI message stream. */
export const RunPart = object(() => ({
  place: Int.describe("Place in the log of runs: the id to resume from."),
  turnId: TurnId,
  at: Time,
  part: jsonObject(16 * 1024 * 1024),
})).register(NAMED, { id: "RunPart" });
export type RunPart = z.infer<typeof RunPart>;
export const RunPartList = object(() => ({
  items: z.array(RunPart),
  next: Int.nullable().describe("Place to ask after for more; null at the end as of now."),
  full: Bool.describe("false: the run is over for a while, and deltas were joined."),
})).register(NAMED, { id: "RunPartList" });
export type RunPartList = z.infer<typeof RunPartList>;

const place = queryInt(0, Number.MAX_SAFE_INTEGER).optional();
export const RunPartQuery = strictObject(() => ({
  after: place,
  before: place,
  turn: TurnId.optional(),
  limit: queryInt(1, 5000).default(500),
}));
export const RunFollowQuery = strictObject(() => ({ after: place, turn: TurnId.optional() }));
export const RunStreamQuery = strictObject(() => ({
  turn: TurnId.optional(),
  live: z.enum(["true", "false"]).optional().describe("true: 204 when nothing runs."),
}));

/** Last event of a stream of parts. */
export const PartsBye = object(() => ({
  reason: z
    .enum(["ended", "superseded", "restarting", "too-slow", "replaced", "revoked"])
    .describe("ended: the run is over."),
  resumeAfter: Int.describe("Place to resume from, by Last-Event-ID."),
})).register(NAMED, { id: "PartsBye" });

/** One chunk of the AI SDK's UI message stream. */
export const UiChunk = z.looseObject({ type: Str }).register(NAMED, { id: "UiChunk" });

/** Body of the AI SDK's `DefaultChatTransport`. Unknown members are ignored. */
export const ChatBody = z
  .looseObject({
    id: line(512),
    messages: z.array(z.looseObject({ id: Str.optional(), role: Str, parts: z.array(z.looseObject({ type: Str })) })),
    trigger: Str.optional(),
    messageId: Str.nullish(),
  })
  .register(NAMED, { id: "ChatBody" });
export type ChatBody = z.output<typeof ChatBody>;
export const CHAT_BYTES = 8 * 1024 * 1024;
