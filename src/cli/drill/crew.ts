import { createSseParser } from "../../client/sse.ts";
import type { DrilledRelay, Json } from "./drilled-relay.ts";

/** What was promised by a 2xx, as the drill remembers it. */
export interface Promised {
  /** Id by idempotency key, of every send that was answered. */
  sent: Map<string, number>;
  /** Keys of what was to be delivered later. */
  planned: Set<string>;
  tasks: Set<number>;
  completed: Set<number>;
  /** What each follower saw, in order. */
  seen: Map<string, number[]>;
  /** How far each follower was told that it has acknowledged. */
  acked: Map<string, number>;
  faults: string[];
}

/** A member of the crew and the token it speaks with. */
export interface Hand {
  id: string;
  token: string;
}

const DELIVER_AFTER_MS = 150;

/**
 * Sends work, talk, batches and talk for later, each under a key of its own, until told to stop. Every send is repeated until
 * it is answered, and some again after that.
 */
export async function runSender(
  relay: DrilledRelay,
  promised: Promised,
  name: string,
  stopped: () => boolean,
): Promise<void> {
  const draftOf = (key: string, more: object = {}) => ({
    from: "boss",
    to: "tag:news",
    body: key,
    idempotencyKey: key,
    ...more,
  });
  const workOf = (key: string) => draftOf(key, { to: "tag:crew", claimable: true, maxAttempts: 100 });
  const post = async (path: string, body: object) => {
    const answer = await relay.ask("POST", path, body);
    if (answer.status > 299) promised.faults.push(`send ${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };
  for (let n = 0; !stopped(); n++) {
    const key = `${name}-${n}`;
    if (n % 8 === 3) {
      const keys = [`${key}a`, `${key}b`, `${key}c`];
      const { body } = await post("/v1/messages/batch", { messages: keys.map((one) => draftOf(one)) });
      keys.forEach((one, index) => void promised.sent.set(one, body.items[index].id));
    } else if (n % 8 === 5) {
      const deliverAt = new Date(Date.now() + DELIVER_AFTER_MS).toISOString();
      await post("/v1/messages", draftOf(key, { deliverAt }));
      promised.planned.add(key);
    } else {
      const isTask = n % 2 === 0;
      const draft = isTask ? workOf(key) : draftOf(key);
      const { body } = await post("/v1/messages", draft);
      promised.sent.set(key, body.id);
      if (isTask) promised.tasks.add(body.id);
      if (n % 8 === 6) {
        const again = await post("/v1/messages", draft);
        if (again.status !== 200 || again.body.id !== body.id)
          promised.faults.push(`${key} was ${body.id}, and again ${again.status} ${again.body.id}`);
      }
    }
  }
}

/**
 * Claims and completes as one agent; some it first gives back or fails. What it held when an answer was lost, it finds in its
 * list and goes on with.
 */
export async function runClaimer(
  relay: DrilledRelay,
  promised: Promised,
  hand: Hand,
  done: () => boolean,
): Promise<void> {
  const ask = (method: string, path: string, body?: unknown) => relay.ask(method, path, body, hand.token);
  while (!done()) {
    const held = await ask("GET", `/v1/agents/${hand.id}/claims`);
    const items: Json[] = held.body.items.length
      ? held.body.items
      : (await ask("POST", `/v1/agents/${hand.id}/claims`, { waitSeconds: 1, leaseSeconds: 3600 })).body.items;
    for (const { message, claim } of items) {
      const leases = Number(claim.token.split("_").at(-1));
      const verb = leases < 3 ? (["release", "fail"][message.id % 9] ?? "complete") : "complete";
      const more = { release: { reason: "later" }, fail: { error: "not now" }, complete: { result: `by ${hand.id}` } }[
        verb
      ];
      const answer = await ask("POST", `/v1/messages/${message.id}/${verb}`, { token: claim.token, ...more });
      if (answer.status !== 200)
        promised.faults.push(`${verb} ${message.id}: ${answer.status} ${JSON.stringify(answer.body)}`);
      else if (verb === "complete") promised.completed.add(message.id);
    }
  }
}

/** Follows an inbox over SSE and comes back after the last event, whenever the relay dies; acknowledges as it goes. */
export async function runFollower(
  relay: DrilledRelay,
  promised: Promised,
  hand: Hand,
  done: () => boolean,
): Promise<void> {
  const seen: number[] = [];
  promised.seen.set(hand.id, seen);
  const acking = runAcker(relay, promised, hand, seen, done);
  while (!done()) {
    const abort = new AbortController();
    const watch = setInterval(() => done() && abort.abort(), 50);
    try {
      const headers: Record<string, string> = { authorization: `Bearer ${hand.token}` };
      if (seen.length) headers["last-event-id"] = String(seen.at(-1));
      const response = await fetch(`${relay.url()}/v1/agents/${hand.id}/inbox/stream`, {
        headers,
        signal: abort.signal,
      });
      await readAll(response, seen);
    } catch {
      await Bun.sleep(20);
    } finally {
      clearInterval(watch);
    }
  }
  await acking;
}

async function runAcker(relay: DrilledRelay, promised: Promised, hand: Hand, seen: number[], done: () => boolean) {
  while (!done()) {
    const upTo = seen.at(-1);
    if (upTo !== undefined && upTo !== promised.acked.get(hand.id)) {
      const { status, body } = await relay.ask("POST", `/v1/agents/${hand.id}/inbox/ack`, { upTo }, hand.token);
      if (status === 200) promised.acked.set(hand.id, upTo);
      else promised.faults.push(`ack ${upTo}: ${status} ${JSON.stringify(body)}`);
    }
    await Bun.sleep(30);
  }
}

async function readAll(response: Response, seen: number[]): Promise<void> {
  const parser = createSseParser();
  for await (const chunk of response.body ?? []) {
    for (const event of parser.feed(chunk)) if (event.type === "message") seen.push(JSON.parse(event.data).id);
  }
}
