import { z } from "zod";
import { contracts } from "./contract.ts";
import { Bye } from "./inbox.ts";
import { ProblemBody } from "./problem.ts";
import { RunId } from "./runs.ts";
import { NAMED, object, strictObject } from "./shape.ts";
import { line, MessageId, Position, Str } from "./wire.ts";

export const WATCH_SUBPROTOCOL = "signalbox.watch.v1";

const ref = z.union([z.string().max(128), z.int()]);
const after = Position.optional().describe(
  "Where to go on: the id of the last event that came, 0 for all that is kept.",
);

/** Something to follow: everything's lists, the messages of a thread, or the parts of a run. */
const Followed = z.discriminatedUnion("what", [
  strictObject(() => ({ what: z.literal("lists"), after })),
  strictObject(() => ({ what: z.literal("thread"), id: MessageId, after })),
  strictObject(() => ({ what: z.literal("run"), id: RunId, after })),
]);

/** Frames from the page; each is answered by `ok` or `problem` with its `ref`. */
export const WatchRequest = z
  .discriminatedUnion("type", [
    strictObject(() => ({ type: z.literal("follow"), ref, follow: Followed })),
    strictObject(() => ({ type: z.literal("unfollow"), ref, of: Str })),
    strictObject(() => ({
      type: z.literal("focus"),
      ref,
      threadId: MessageId.optional().describe("The thread that the person looks at."),
      device: line(128).optional().describe("The device, as its push subscription names it."),
    })),
    strictObject(() => ({ type: z.literal("blur"), ref })),
  ])
  .register(NAMED, { id: "WatchRequest" });
export type WatchRequest = z.output<typeof WatchRequest>;

const answerRef = z.union([z.string(), z.int(), z.null()]).describe("The ref of the frame that this answers.");

/** Frames from the relay. */
export const WatchFrame = z
  .discriminatedUnion("type", [
    object(() => ({
      type: z.literal("event"),
      of: z.string().describe("The follow that it belongs to: lists, thread:<id> or run:<id>."),
      event: z.string().describe("Name of the event, as on the streams over HTTP."),
      id: Position.optional().describe("Place to go on from."),
      data: z.unknown(),
    })),
    object(() => ({ ...Bye.shape, type: z.literal("bye") })),
    object(() => ({ type: z.literal("ok"), ref: answerRef, of: Str.optional() })),
    object(() => ({ type: z.literal("problem"), ref: answerRef, problem: ProblemBody })),
  ])
  .register(NAMED, { id: "WatchFrame" });
export type WatchFrame = z.infer<typeof WatchFrame>;

export const watch = contracts("Console")("watch", "GET /v1/watch", {
  summary: "Follow lists, threads and runs over one WebSocket",
  description:
    `Subprotocol ${WATCH_SUBPROTOCOL}. For people: by the cookie, or by a token in a header. Frames from the page: follow, unfollow, ` +
    "focus, blur, each with a ref, answered by ok or problem. Events come as { type: event, of, event, id, data }: those of " +
    "GET /v1/messages/stream for lists and threads, of GET /v1/runs/{id}/events/stream for runs, and bye when a follow ends. " +
    "At most 32 follows for each sign-in.",
  long: true,
  socket: { subprotocol: WATCH_SUBPROTOCOL, client: WatchRequest, server: WatchFrame },
  answers: { 101: { description: "Switched to WebSocket." } },
  problems: ["bad-request", "unauthorized", "forbidden", "upgrade-required", "too-many-streams"],
});
