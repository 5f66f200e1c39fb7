import { setSystemTime } from "bun:test";
import { Webhook } from "standardwebhooks";
import { atEnd } from "./ending.ts";
import type { TestRelay } from "./relay.ts";

/** One request that came in. */
export interface Received {
  id: string;
  path: string;
  headers: Record<string, string>;
  raw: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events freely
  event: any;
}

type Answer = Response | Promise<Response>;

/** A server on loopback that webhooks are sent to. */
export function startReceiver(port = 0) {
  const received: Received[] = [];
  let answer: (got: Received) => Answer = () => new Response(null, { status: 204 });
  const server = Bun.serve({
    port,
    hostname: "127.0.0.1",
    async fetch(request) {
      const raw = await request.text();
      const headers = Object.fromEntries(request.headers);
      // Ports are given out again: somebody else's client may still be looking for a server that had this one.
      if (headers["webhook-id"] === undefined) return new Response(null, { status: 404 });
      const { pathname } = new URL(request.url);
      const got = { id: headers["webhook-id"] ?? "", path: pathname, headers, raw, event: JSON.parse(raw) };
      received.push(got);
      return answer(got);
    },
  });
  const stop = () => server.stop(true);
  atEnd(stop);
  return {
    url: `http://127.0.0.1:${server.port}/hook`,
    port: server.port,
    received,
    stop,
    /** From now on it answers so. */
    answers(how: number | ((got: Received) => Answer)): void {
      answer = typeof how === "number" ? () => new Response(null, { status: how }) : how;
    },
    types: () => received.map(({ event }) => event.type),
    bodies: () => received.map(({ event }) => event.data.body),
  };
}

/** Whether the reference library accepts it, at the relay's time. */
export function accepts(secret: string, got: Received | undefined, relay: Pick<TestRelay, "clock">): boolean {
  setSystemTime(new Date(relay.clock.now()));
  try {
    if (got) new Webhook(secret).verify(got.raw, got.headers);
    return got !== undefined;
  } catch {
    return false;
  } finally {
    setSystemTime();
  }
}
