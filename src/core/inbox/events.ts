import { z } from "zod";
import { Presence } from "../../protocol/agents.ts";
import { DelegationChange } from "../../protocol/delegations.ts";
import { AuthFrame, Bye, Followed, Hello, Reset, SocketRequest, WorkChange } from "../../protocol/inbox.ts";
import { Entry } from "../../protocol/messages.ts";
import { ProblemBody } from "../../protocol/problem.ts";
import { Task } from "../../protocol/tasks.ts";
import { Trace } from "../../protocol/traces.ts";
import { Position } from "../../protocol/wire.ts";

const Open = z.object({}).describe("There is work to claim.");
const WatchHello = z.object({ head: Position, firstId: Position });

/** What an inbox stream sends, by the name of the event. */
export const INBOX_EVENTS = { hello: Hello, message: Followed, open: Open, presence: Presence, reset: Reset, bye: Bye };

/** What a stream over everything sends. */
export const WATCH_EVENTS = {
  hello: WatchHello,
  message: Entry,
  work: WorkChange,
  trace: Trace,
  task: Task,
  delegation: DelegationChange,
  presence: Presence,
  bye: Bye,
};

const frame = <T extends string>(type: T) => ({ type: z.literal(type) });
const ref = z.union([z.string(), z.int(), z.null()]).describe("The ref of the frame that this answers.");

/** A frame from the client: the token first where headers cannot carry it, then verbs. */
export const ClientFrame = z.union([AuthFrame, SocketRequest]);

/** What the relay sends over a socket: the events of an inbox stream, and the answers to the client's frames. */
export const SocketFrame = z.discriminatedUnion("type", [
  z.object({ ...frame("message"), message: Followed }),
  Hello.extend(frame("hello")),
  Open.extend(frame("open")),
  Presence.extend(frame("presence")),
  Reset.extend(frame("reset")),
  Bye.extend(frame("bye")),
  z.object({ ...frame("ok"), ref, result: z.unknown().describe("As the same verb answers over HTTP.") }),
  z.object({ ...frame("problem"), ref, problem: ProblemBody }),
]);
