import type { ServerWebSocket } from "bun";
import type { z } from "zod";
import type { Caller } from "../../identity/auth/caller.ts";
import { breathe } from "../../kernel/breathe.ts";
import { check } from "../../kernel/http/body.ts";
import { checkNumbers, parseText, readJson } from "../../kernel/http/json.ts";
import type { RateLimit } from "../../kernel/http/rate-limit.ts";
import { createSocketOutlet, type SocketHandler, type SocketOutlet } from "../../kernel/http/socket-outlet.ts";
import type { Peer } from "../../kernel/log/peers.ts";
import { Problem } from "../../protocol/problem.ts";
import { AuthFrame, SocketRequest } from "../../protocol/sockets.ts";
import type { Areas } from "../core.ts";
import { createSocketVerbs } from "./socket-verbs.ts";

const MAX_UNANSWERED = 64;
/** Characters taken in one turn of the event loop, and the frame that goes beyond them: up to 20 ms. */
const TURN_CHARACTERS = 64 * 1024;
const AUTH_WITHIN_MS = 5000;
/** Frame limit before authentication. A token and an instance take a tenth of it. */
const MAX_FIRST_FRAME = 4096;

type Ref = SocketRequest["ref"];

/** One connection of `GET /v1/agents/{id}/socket`. */
export interface Opening {
  agentId: string;
  after: number | undefined;
  /** Messages and claims carry the message they reply to. */
  withParents: boolean;
  /** undefined for a browser, which sends its token in the first frame. */
  caller: Caller | undefined;
  peer: Peer | undefined;
  /** Called when the socket has authenticated, or has ended before; repeated calls are harmless. */
  onKnown(): void;
}

export function createSocket(areas: Areas, limit: RateLimit, opening: Opening): SocketHandler {
  const { agentId, after, withParents, onKnown } = opening;
  const { db, clock, onError } = areas.kernel;
  const { presence, auth } = areas.identity;
  const { inbox, streams } = areas.core.inbox;
  /** Made by the first frame: most sockets only listen. */
  let run: ReturnType<typeof createSocketVerbs> | undefined;
  let outlet: SocketOutlet;
  let { caller } = opening;
  let opened = false;
  let authenticating = false;
  let isBreathing = false;
  /** Characters taken since the event loop last had a turn for sure. */
  let taken = 0;
  /** Bytes read off the wire; while there are any, no more is read. */
  const waiting: string[] = [];
  /** Frames in progress, in order of arrival, which is the order of their answers. */
  const answers: { frame?: string }[] = [];
  let cancelAuthTimer: () => void = () => undefined;

  async function begin(as: Caller): Promise<void> {
    try {
      limit.take(as.tokenId);
      const facts = await db.read((on) => inbox.requireInbox(on, as, agentId, after));
      // The client may have left meanwhile, and would never close a stream opened now.
      if (outlet.state() !== "open") return;
      if (as.agentId === agentId) presence.touch(agentId);
      await streams.open(as, facts, outlet, { after, withParents });
      opened = true;
      pump();
    } catch (error) {
      refuseAll(error);
    }
  }

  /** Refuses the connection: sends the problem, then the close code that says whether to come back. */
  function refuseAll(error: unknown): void {
    const problem = asProblem(error, onError);
    outlet.answer(problemFrame(null, problem, ""));
    if (problem.code === "superseded") outlet.closeWith("superseded");
    else outlet.closeWith(problem.status === 429 || problem.status === 503 ? "too-slow" : "not-authorised");
  }

  async function takeAuth(text: string): Promise<void> {
    cancelAuthTimer();
    try {
      const frame = check(AuthFrame, readJson(text, "The frame"), "") as z.infer<typeof AuthFrame>;
      const principal = await auth.authenticate(frame.token);
      caller = { ...principal, instanceId: frame.instanceId ?? null, requestId: "" };
      onKnown();
      await begin(caller);
    } catch (error) {
      refuseAll(error);
    }
  }

  /** Frames that came before the client closed are still carried out; frames of a client that was cut off are not. */
  const takesMore = () => answers.length < MAX_UNANSWERED && (outlet.state() === "ended" || outlet.ready());

  function pump(): void {
    while (!isBreathing && opened && caller && waiting.length && takesMore()) {
      const text = waiting.shift() ?? "";
      take(text, caller);
      taken += text.length;
      if (taken > TURN_CHARACTERS) void letOthersIn();
    }
    outlet.reads(waiting.length === 0);
  }

  /** Refused frames need no write to wait for: a client that sends many at once would keep the event loop to itself. */
  async function letOthersIn(): Promise<void> {
    isBreathing = true;
    await breathe();
    isBreathing = false;
    taken = 0;
    pump();
  }

  /** Frames are carried out in order: each verb queues its write before the next frame is read. */
  function take(text: string, as: Caller): void {
    let ref: Ref | null = null;
    const slot: { frame?: string } = {};
    answers.push(slot);
    const done = (frame: string) => {
      slot.frame = frame;
      while (answers[0]?.frame !== undefined) outlet.answer(answers.shift()?.frame ?? "");
    };
    const ok = (result: string) => done(`{"type":"ok","ref":${JSON.stringify(ref)},"result":${result}}`);
    const refuse = (error: unknown) => done(problemFrame(ref, asProblem(error, onError), as.requestId));
    try {
      const raw = parseText(text, "The frame");
      ref = refOf(raw);
      checkNumbers(text, raw);
      limit.take(as.tokenId);
      if (as.agentId === agentId) presence.touch(agentId);
      const frame = check(SocketRequest, raw, "") as SocketRequest;
      run ??= createSocketVerbs(areas, agentId, withParents);
      run(as, frame, { ok, refuse, pump });
    } catch (error) {
      refuse(error);
    }
  }

  return {
    open(ws: ServerWebSocket<SocketHandler>) {
      outlet = createSocketOutlet(ws, opening.peer);
      if (caller) void begin(caller);
      else cancelAuthTimer = clock.after(AUTH_WITHIN_MS, () => outlet.closeWith("not-authorised"));
    },
    message(_ws, message) {
      outlet.moved();
      const isFirst = !caller && !authenticating;
      if (isFirst && message.length > MAX_FIRST_FRAME) {
        outlet.closeWith("too-big");
        return;
      }
      const text = textOf(message);
      if (isFirst) {
        authenticating = true;
        void takeAuth(text);
        return;
      }
      waiting.push(text);
      pump();
    },
    drain() {
      outlet.moved();
      outlet.onDrain();
      pump();
    },
    close() {
      cancelAuthTimer();
      onKnown();
      outlet.ended();
    },
    pong() {
      outlet.moved();
      if (caller?.agentId === agentId) presence.touch(agentId);
    },
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a binary frame as text. Invalid UTF-8 is refused: decoded with U+FFFD it could pass for JSON. */
function textOf(message: string | Buffer): string {
  if (typeof message === "string") return message;
  try {
    return utf8.decode(message);
  } catch {
    return "";
  }
}

function refOf(raw: unknown): Ref | null {
  const ref = typeof raw === "object" && raw !== null && "ref" in raw ? raw.ref : null;
  return (typeof ref === "string" && ref.length <= 128 && ref.isWellFormed()) || Number.isSafeInteger(ref)
    ? (ref as Ref)
    : null;
}

function asProblem(error: unknown, onError: (error: unknown) => void): Problem {
  if (error instanceof Problem) return error;
  onError(error);
  return new Problem("internal", "Something went wrong here; it was logged.");
}

const problemFrame = (ref: Ref | null, problem: Problem, requestId: string): string =>
  JSON.stringify({ type: "problem", ref, problem: problem.body(requestId) });
