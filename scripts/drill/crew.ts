import { createSseParser } from "../../src/client/sse.ts";
import type { DrilledRelay, Json } from "./drilled-relay.ts";

/** What was promised by a 2xx, as the drill remembers it. */
export interface Promised {
  /** Id by idempotency key, of every send that was answered. */
  sent: Map<string, number>;
  tasks: Set<number>;
  completed: Set<number>;
  /** What each follower saw, in order. */
  seen: Map<string, number[]>;
  faults: string[];
}

/** Sends work and talk, each under a key of its own, until told to stop. Every send is repeated until it is answered. */
export async function runSender(
  relay: DrilledRelay,
  promised: Promised,
  name: string,
  stopped: () => boolean,
): Promise<void> {
  for (let n = 0; !stopped(); n++) {
    const key = `${name}-${n}`;
    const isTask = n % 2 === 0;
    const draft = {
      from: "boss",
      to: isTask ? "tag:crew" : "tag:news",
      body: key,
      claimable: isTask,
      idempotencyKey: key,
    };
    const { status, body } = await relay.ask("POST", "/v1/messages", draft);
    if (status !== 200 && status !== 201) promised.faults.push(`send ${key}: ${status} ${JSON.stringify(body)}`);
    promised.sent.set(key, body.id);
    if (isTask) promised.tasks.add(body.id);
  }
}

/** Claims and completes as one agent. What it held when an answer was lost, it finds in its list and completes. */
export async function runClaimer(
  relay: DrilledRelay,
  promised: Promised,
  agent: string,
  done: () => boolean,
): Promise<void> {
  while (!done()) {
    const held = await relay.ask("GET", `/v1/agents/${agent}/claims`);
    const items: Json[] = held.body.items.length
      ? held.body.items
      : (await relay.ask("POST", `/v1/agents/${agent}/claims`, { waitSeconds: 1, leaseSeconds: 3600 })).body.items;
    for (const { message, claim } of items) {
      const answer = await relay.ask("POST", `/v1/messages/${message.id}/complete`, {
        token: claim.token,
        result: `by ${agent}`,
      });
      if (answer.status === 200) promised.completed.add(message.id);
      else promised.faults.push(`complete ${message.id}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
  }
}

/** Follows an inbox over SSE and comes back after the last event, whenever the relay dies. */
export async function runFollower(
  relay: DrilledRelay,
  promised: Promised,
  agent: string,
  done: () => boolean,
): Promise<void> {
  const seen: number[] = [];
  promised.seen.set(agent, seen);
  while (!done()) {
    const abort = new AbortController();
    const watch = setInterval(() => done() && abort.abort(), 50);
    try {
      const headers: Record<string, string> = { authorization: `Bearer ${relay.token()}` };
      if (seen.length) headers["last-event-id"] = String(seen.at(-1));
      const response = await fetch(`${relay.url()}/v1/agents/${agent}/inbox/stream`, { headers, signal: abort.signal });
      await readAll(response, seen);
    } catch {
      await Bun.sleep(20);
    } finally {
      clearInterval(watch);
    }
  }
}

async function readAll(response: Response, seen: number[]): Promise<void> {
  const parser = createSseParser();
  for await (const chunk of response.body ?? []) {
    for (const event of parser.feed(chunk)) if (event.type === "message") seen.push(JSON.parse(event.data).id);
  }
}
