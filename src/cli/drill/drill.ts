import { type Hand, type Promised, runClaimer, runFollower, runSender } from "./crew.ts";
import { createDrilledRelay, type DrilledRelay, type Json } from "./drilled-relay.ts";

export interface DrillOptions {
  dataDir: string;
  cycles: number;
  senders: number;
  claimers: number;
  followers: number;
  /** Decides when the relay is killed; the same seed, the same pauses. */
  seed: number;
  /** Told after each kill. */
  onCycle?(cycle: number, promised: Promised): void;
}

export interface DrillReport {
  cycles: number;
  sent: number;
  completed: number;
  followed: number;
  /** Every broken promise. */
  faults: string[];
}

const SHORTEST_MS = 40;
const LONGEST_MS = 400;
const MAX_DRAIN_MS = 60_000;

/**
 * Kills the relay in the middle of concurrent senders, claimers and followers, over and over, and then counts: every 2xx is
 * there, nothing was completed twice, every follower saw each message exactly once and in order.
 */
export async function drill(options: DrillOptions): Promise<DrillReport> {
  const relay = createDrilledRelay(options.dataDir);
  const promised: Promised = {
    ...{ sent: new Map(), planned: new Set(), tasks: new Set(), completed: new Set() },
    ...{ seen: new Map(), acked: new Map(), faults: [] },
  };
  const random = createRandom(options.seed);
  let sending = true;
  let working = true;
  await relay.start();
  try {
    const crew = await register(relay, options);
    const senders = range(options.senders).map((i) => runSender(relay, promised, `s${i}`, () => !sending));
    const claimers = crew.claimers.map((hand) => runClaimer(relay, promised, hand, () => !working));
    const followers = crew.followers.map((hand) => runFollower(relay, promised, hand, () => !working));
    for (let cycle = 1; cycle <= options.cycles; cycle++) {
      await Bun.sleep(SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS));
      await relay.kill();
      await relay.start();
      options.onCycle?.(cycle, promised);
    }
    sending = false;
    await Promise.all(senders);
    const talk = promised.sent.size - promised.tasks.size + promised.planned.size;
    await until(() => promised.tasks.size === promised.completed.size && caughtUp(promised, talk));
    working = false;
    await Promise.all([...claimers, ...followers]);
    await judge(relay, promised, await everything(relay, crew.followers[0]?.id ?? ""));
  } finally {
    relay.over = true;
    working = false;
    await relay.kill();
  }
  const followed = [...promised.seen.values()].reduce((sum, seen) => sum + seen.length, 0);
  return {
    cycles: options.cycles,
    sent: promised.sent.size,
    completed: promised.completed.size,
    followed,
    faults: promised.faults,
  };
}

async function register(relay: DrilledRelay, { claimers, followers }: DrillOptions) {
  const hire = async (id: string, tags: string[]): Promise<Hand> => {
    await relay.ask("PUT", `/v1/agents/${id}`, { name: id, tags });
    const { body } = await relay.ask("POST", "/v1/tokens", { role: "agent", agentId: id });
    return { id, token: body.token };
  };
  await hire("boss", []);
  return {
    claimers: await Promise.all(range(claimers).map((i) => hire(`worker-${i}`, ["crew"]))),
    followers: await Promise.all(range(followers).map((i) => hire(`reader-${i}`, ["news"]))),
  };
}

/** All that an agent was ever sent, as the relay has it stored. */
async function everything(relay: DrilledRelay, agent: string): Promise<Json[]> {
  const items: Json[] = [];
  for (let after = 0, more = true; more; ) {
    const { body } = await relay.ask("GET", `/v1/agents/${agent}/inbox?limit=500&after=${after}`);
    items.push(...body.items);
    ({ next: after, more } = body);
  }
  return items;
}

const caughtUp = ({ seen }: Promised, length: number) => [...seen.values()].every((ids) => ids.length >= length);

/** Everything that was promised against everything that is stored. */
async function judge(relay: DrilledRelay, promised: Promised, stored: Json[]): Promise<void> {
  const { faults, sent, planned, tasks, completed, seen, acked } = promised;
  const news = stored.map((message) => message.id);
  if (new Set(sent.values()).size !== sent.size) faults.push("an id was given to two messages");
  const talk = sent.size - tasks.size + planned.size;
  if (news.length !== talk) faults.push(`${talk} pieces of talk were answered, ${news.length} are stored`);
  for (const [key, id] of sent) {
    const { status, body } = await relay.ask("GET", `/v1/messages/${id}`);
    if (status !== 200 || body.idempotencyKey !== key)
      faults.push(`${key} was answered with ${id}, which is not there`);
    if (!tasks.has(id)) continue;
    const times = body.attempts?.filter((attempt: Json) => attempt.outcome === "completed").length;
    if (body.state !== "done" || times !== 1) faults.push(`task ${id} is ${body.state}, completed ${times} times`);
  }
  const delivered = Map.groupBy(stored, (message) => message.body);
  for (const key of planned)
    if (delivered.get(key)?.length !== 1) faults.push(`${key} was delivered ${delivered.get(key)?.length ?? 0} times`);
  for (const [agent, upTo] of acked) {
    const { body } = await relay.ask("GET", `/v1/agents/${agent}/inbox?limit=1`);
    if (body.cursor < upTo) faults.push(`${agent} acknowledged ${upTo}, and its cursor is ${body.cursor}`);
  }
  if (completed.size !== tasks.size) faults.push(`${tasks.size} tasks, ${completed.size} completed`);
  const results = Map.groupBy(await everything(relay, "boss"), (message) => message.replyTo);
  for (const id of tasks)
    if (results.get(id)?.length !== 1) faults.push(`task ${id} has ${results.get(id)?.length ?? 0} results`);
  for (const [agent, ids] of seen) {
    if (ids.join() !== news.join()) faults.push(`${agent} saw ${ids.length} of ${news.length}, or not in order`);
  }
}

async function until(met: () => boolean): Promise<void> {
  for (const end = performance.now() + MAX_DRAIN_MS; !met() && performance.now() < end; ) await Bun.sleep(20);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** mulberry32: small, seeded, good enough to choose moments. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
