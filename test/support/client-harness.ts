import { problemOf } from "../../src/client/errors.ts";
import type { Timing } from "../../src/client/timing.ts";
import type { Entry, Message } from "../../src/protocol/messages.ts";
import { ProblemBody } from "../../src/protocol/problem.ts";

/** Time that stands still until a test moves it. `random` is a half: waits have no jitter. */
export function createStillTime() {
  let now = 0;
  const sleepers = new Set<{ at: number; ms: number; wake: () => void }>();
  const timing: Timing = {
    now: () => now,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const wake = () => {
          signal?.removeEventListener("abort", stop);
          sleepers.delete(sleeper);
          resolve();
        };
        const sleeper = { at: now + ms, ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", stop, { once: true });
      }),
  };
  return {
    timing,
    /** Moves the clock, waking whom it passes. */
    advance(ms: number) {
      now += ms;
      for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) if (sleeper.at <= now) sleeper.wake();
    },
    /** Whether somebody sleeps for about this long. */
    sleepsFor: (ms: number) => [...sleepers].some((sleeper) => Math.round(sleeper.ms) === ms),
    /** Waits until somebody sleeps for that long, then lets that time pass. */
    async pass(ms: number) {
      await until(() => this.sleepsFor(ms));
      this.advance(ms);
    },
  };
}

/** Waits for what the network does in its own time; fails after 20 s, which only a broken one takes. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition}`);
    await Bun.sleep(2);
  }
}

export interface FarEnd {
  url: string;
  /** Requests, in order: `POST /v1/messages`. */
  asked: string[];
  requests: { method: string; path: string; query: URLSearchParams; headers: Headers; body: unknown }[];
  answer(handler: (request: FarEnd["requests"][number], n: number) => Response | Promise<Response>): void;
  close(): Promise<void>;
}

/** A relay that answers as a test says: the faults that a real one cannot be asked for. */
export function createFarEnd(): FarEnd {
  let handler: Parameters<FarEnd["answer"]>[0] = () => problem("not-found");
  const requests: FarEnd["requests"] = [];
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(raw) {
      const { pathname, searchParams } = new URL(raw.url);
      const body = raw.method === "GET" ? undefined : await raw.json().catch(() => undefined);
      const request = { method: raw.method, path: pathname, query: searchParams, headers: raw.headers, body };
      const n = requests.push(request);
      asked.push(`${raw.method} ${pathname}`);
      return handler(request, n);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    requests,
    answer(next) {
      handler = next;
    },
    close: () => server.stop(true),
  };
}

export function problem(code: ProblemBody["code"], headers: Record<string, string> = {}): Response {
  const { body } = problemOf(code, `far end: ${code}`);
  return Response.json(ProblemBody.parse(body), {
    status: body.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** A stream that a test writes to. */
export function createStream() {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const state = { gone: false };
  const body = new ReadableStream<Uint8Array>({
    start(own) {
      controller = own;
    },
    cancel() {
      state.gone = true;
    },
  });
  return {
    response: () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
    write: (text: string) => controller?.enqueue(encoder.encode(text)),
    event(type: string, data: unknown, id?: number) {
      this.write(`event: ${type}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
    },
    hello(cursor = 0) {
      const place = { cursor, head: 100, firstId: 1 };
      this.event("hello", { agentId: "a", epoch: 1, ...place, open: false, agents: [], agentsTotal: 0 });
    },
    message(id: number) {
      this.event("message", entry(id), id);
    },
    end: () => controller?.close(),
    get gone() {
      return state.gone;
    },
  };
}

function entry(id: number, fields: Partial<Entry> = {}): Entry {
  return {
    id,
    from: "b",
    to: "a",
    kind: "chat",
    person: null,
    source: "agent",
    topic: null,
    subject: null,
    body: `message ${id}`,
    encoding: "plain",
    threadId: id,
    replyTo: null,
    causedBy: null,
    rootId: id,
    hops: 0,
    claimable: false,
    urgent: false,
    route: null,
    payload: null,
    meta: null,
    idempotencyKey: null,
    via: null,
    expiresAt: null,
    createdAt: "2026-01-01T00:00:00.000Z",
    ...fields,
  };
}

export function message(id: number, fields: Partial<Message> = {}): Message {
  return { ...entry(id), state: null, claim: null, ...fields };
}

export function claimed(id: number) {
  const claim = { token: `token-${id}`, attempt: 1, expiresAt: "2026-01-01T00:10:00.000Z" };
  return { message: message(id, { claimable: true, state: "claimed" }), claim };
}
