import { z } from "zod";
import { AgentPath, Presence } from "./agents.ts";
import { contracts } from "./contract.ts";
import { Bye, Followed, Hello, Reset } from "./inbox.ts";
import { MessageDraft } from "./messages.ts";
import { ProblemBody } from "./problem.ts";
import { NAMED, object, strictObject } from "./shape.ts";
import { Open } from "./streams.ts";
import { MessageId, Position, queryInt } from "./wire.ts";
import { ClaimNext, Complete, Fail, Release, Renew } from "./work.ts";

export const SUBPROTOCOL = "signalbox.v1";

/** A browser's first frame. */
export const AuthFrame = strictObject(() => ({
  type: z.literal("auth"),
  token: z.string().max(512),
  instanceId: z.string().min(1).max(128).optional(),
}));

const ref = z.union([z.string().max(128), z.int()]);
/** Frames from the client; each is answered by `ok` or `problem` with its `ref`. */
export const SocketRequest = z.discriminatedUnion("type", [
  strictObject(() => ({ type: z.literal("send"), ref, message: MessageDraft })),
  strictObject(() => ({ type: z.literal("ack"), ref, upTo: Position })),
  // Nobody has to wait here: a message or `open` says when there is work.
  strictObject(() => ({
    type: z.literal("claim"),
    ref,
    messageId: MessageId.optional(),
    ...ClaimNext.omit({ waitSeconds: true }).shape,
  })),
  strictObject(() => ({ type: z.literal("renew"), ref, messageId: MessageId, ...Renew.shape })),
  strictObject(() => ({ type: z.literal("release"), ref, messageId: MessageId, ...Release.shape })),
  strictObject(() => ({ type: z.literal("fail"), ref, messageId: MessageId, ...Fail.shape })),
  strictObject(() => ({ type: z.literal("complete"), ref, messageId: MessageId, ...Complete.shape })),
  strictObject(() => ({
    type: z.literal("heartbeat"),
    ref,
    ...{ status: z.string().optional(), ready: z.boolean().optional() },
  })),
]);
export type SocketRequest = z.infer<typeof SocketRequest>;

const frame = <T extends string>(type: T) => ({ type: z.literal(type) });
const answerRef = z.union([z.string(), z.int(), z.null()]).describe("The ref of the frame that this answers.");

/** A frame from the client: the token first where headers cannot carry it, then verbs. */
export const ClientFrame = z.union([AuthFrame, SocketRequest]).register(NAMED, { id: "ClientFrame" });

/** Frames from the relay: the events of an inbox stream, and the answers to the client's frames. */
export const SocketFrame = z
  .discriminatedUnion("type", [
    object(() => ({ ...frame("message"), message: Followed })),
    object(() => ({ ...Hello.shape, ...frame("hello") })),
    object(() => ({ ...Open.shape, ...frame("open") })),
    object(() => ({ ...Presence.shape, ...frame("presence") })),
    object(() => ({ ...Reset.shape, ...frame("reset") })),
    object(() => ({ ...Bye.shape, ...frame("bye") })),
    object(() => ({
      ...frame("ok"),
      ref: answerRef,
      result: z.unknown().describe("As the same verb answers over HTTP."),
    })),
    object(() => ({ ...frame("problem"), ref: answerRef, problem: ProblemBody })),
  ])
  .register(NAMED, { id: "ServerFrame" });

const SocketQuery = strictObject(() => ({
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  include: z.literal("parent").optional(),
}));

export const openSocket = contracts("Inbox")("openSocket", "GET /v1/agents/{id}/socket", {
  summary: "Open an inbox and the verbs over one WebSocket",
  description:
    `Subprotocol ${SUBPROTOCOL}. Server frames are the stream's events as { type, ... }. Client frames: send, ack, claim, ` +
    "renew, release, fail, complete, heartbeat, each with a ref, answered by ok or problem with that ref. A browser " +
    "sends { type: auth, token } first, within 5 s and of at most 4 KiB. " +
    "With include=parent replies and claims carry their parent.",
  // A client that cannot set headers sends its token in the first frame.
  open: true,
  params: AgentPath,
  query: SocketQuery,
  socket: { subprotocol: SUBPROTOCOL, client: ClientFrame, server: SocketFrame },
  answers: { 101: { description: "Switched to WebSocket." } },
  problems: ["bad-request", "unauthorized", "forbidden", "upgrade-required", "superseded", "too-many-streams"],
});
