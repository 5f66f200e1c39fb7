import { createSseParser } from "../../client/sse.ts";
import type { SentBatch, SentMessage } from "../../protocol/messages.ts";
import type { ClaimedList } from "../../protocol/work.ts";
import type { Answered, Drilled, Hand } from "./asking.ts";
import type { Fault } from "./fault.ts";
import type { Story } from "./story.ts";

/** Every promise that a 2xx made, as the drill remembers it. */
export interface Promised {
  /** Id by idempotency key, of every send that was answered. */
  sent: Map<string, number>;
  /** Keys of what was to be delivered later. */
  planned: Set<string>;
  tasks: Set<number>;
  completed: Set<number>;
  /** Ids that each reader saw, in order. */
  seen: Map<string, number[]>;
  /** Place up to which each reader was told that it has acknowledged. */
  acked: Map<string, number>;
  story: Story;
  faults: Fault[];
}

const DELIVER_AFTER_MS = 150;

/** Whether an answer is a refusal, which is a fault. */
function isRefused({ faults }: Promised, what: string, { status, body }: Answered<unknown>): boolean {
  if (status > 299) faults.push({ kind: "other", what: `${what}: ${status} ${JSON.stringify(body)}` });
  return status > 299;
}

/**
 * Sends work, talk, batches and talk for later, each under a key of its own, until told to stop. Every send is repeated until
 * it is answered, and some again after that.
 */
export async function runSender(
  { ask }: Drilled,
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
  /** @returns undefined for a refusal */
  async function post<T>(path: string, body: object): Promise<Answered<T> | undefined> {
    const answer = await ask<T>("POST", path, body);
    return isRefused(promised, `send ${name}`, answer) ? undefined : answer;
  }
  for (let n = 0; !stopped(); n++) {
    const key = `${name}-${n}`;
    if (n % 8 === 3) {
      const keys = [`${key}a`, `${key}b`, `${key}c`];
      const sent = await post<SentBatch>("/v1/messages/batch", { messages: keys.map((one) => draftOf(one)) });
      for (const [index, item] of sent?.body.items.entries() ?? [])
        if ("id" in item) promised.sent.set(keys[index] ?? "", item.id);
    } else if (n % 8 === 5) {
      const deliverAt = new Date(Date.now() + DELIVER_AFTER_MS).toISOString();
      if (await post("/v1/messages", draftOf(key, { deliverAt }))) promised.planned.add(key);
    } else {
      const isTask = n % 2 === 0;
      const draft = isTask ? workOf(key) : draftOf(key);
      const sent = await post<SentMessage>("/v1/messages", draft);
      if (!sent) continue;
      const { id } = sent.body;
      promised.sent.set(key, id);
      if (isTask) promised.tasks.add(id);
      const again = n % 8 === 6 ? await post<SentMessage>("/v1/messages", draft) : undefined;
      if (again && (again.status !== 200 || again.body.id !== id))
        promised.faults.push({ kind: "doubled", what: `${key} was message ${id}, and sent again ${again.body.id}` });
    }
  }
}

/**
 * Claims and completes as one agent; some it first gives back or fails. After a lost answer it goes on with what its list of
 * claims holds.
 */
export async function runWorker(drilled: Drilled, promised: Promised, hand: Hand, done: () => boolean): Promise<void> {
  const ask = <T>(method: string, path: string, body?: unknown) => drilled.ask<T>(method, path, body, hand.token);
  const claims = `/v1/agents/${hand.id}/claims`;
  while (!done()) {
    const held = await ask<ClaimedList>("GET", claims);
    const items = held.body.items.length
      ? held.body.items
      : (await ask<ClaimedList>("POST", claims, { waitSeconds: 1, leaseSeconds: 3600 })).body.items;
    for (const { message, claim } of items) {
      const leases = Number(claim.token.split("_").at(-1));
      const verb = leases < 3 ? (["release", "fail"][message.id % 9] ?? "complete") : "complete";
      const more = { release: { reason: "later" }, fail: { error: "not now" }, complete: { result: `by ${hand.id}` } }[
        verb
      ];
      const answer = await ask("POST", `/v1/messages/${message.id}/${verb}`, { token: claim.token, ...more });
      if (!isRefused(promised, `${verb} ${message.id}`, answer) && verb === "complete")
        promised.completed.add(message.id);
    }
  }
}

/** Follows an inbox over SSE and comes back after the last event, whenever the relay dies; acknowledges as it goes. */
export async function runReader(drilled: Drilled, promised: Promised, hand: Hand, done: () => boolean): Promise<void> {
  const seen: number[] = [];
  promised.seen.set(hand.id, seen);
  const acking = runAcker(drilled, promised, hand, done);
  while (!done()) {
    const abort = new AbortController();
    const watch = setInterval(() => done() && abort.abort(), 50);
    try {
      const headers: Record<string, string> = { authorization: `Bearer ${hand.token}` };
      if (seen.length) headers["last-event-id"] = String(seen.at(-1));
      const response = await fetch(`${drilled.relay.url()}/v1/agents/${hand.id}/inbox/stream`, {
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

async function runAcker({ ask }: Drilled, promised: Promised, hand: Hand, done: () => boolean): Promise<void> {
  while (!done()) {
    const upTo = promised.seen.get(hand.id)?.at(-1);
    if (upTo !== undefined && upTo !== promised.acked.get(hand.id)) {
      const answer = await ask("POST", `/v1/agents/${hand.id}/inbox/ack`, { upTo }, hand.token);
      if (!isRefused(promised, `ack ${upTo}`, answer)) promised.acked.set(hand.id, upTo);
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
