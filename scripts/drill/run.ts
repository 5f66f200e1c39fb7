import { checkFollowers, checkSends, checkWork, readLog } from "./checks.ts";
import { type Follower, follow } from "./followers.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createRandom } from "./random.ts";
import { createRelay, type DrilledRelay } from "./relay.ts";
import { type Member, type Scene, send } from "./senders.ts";
import { work } from "./workers.ts";

export interface DrillOptions {
  dataDir: string;
  /** How often the relay is killed. */
  cycles: number;
  senders: number;
  claimers: number;
  followers: number;
  /** Decides when the relay is killed, and who does what: the same seed, the same choices. */
  seed: number;
  /** Told after each kill. */
  onCycle?(cycle: number, promised: Pick<Ledger, "sent" | "completed">): void;
}

export interface DrillReport {
  cycles: number;
  /** Sends that were answered 2xx. */
  sent: number;
  completed: number;
  /** What all followers saw, over so many connections. */
  followed: number;
  connections: number;
  /** Every broken promise. */
  faults: readonly string[];
}

/** How long the relay lives after each start, under load. */
const LIFE_MS = [40, 500] as const;
const MAX_DRAIN_MS = 60_000;
const NEWS = "tag:news";

/**
 * Kills the relay in the middle of concurrent senders, claimers and followers, over and over, on the same folder and port;
 * and then counts: every 2xx is there, nothing came twice, every follower saw each message exactly once and in order.
 */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { cycles, dataDir, onCycle } = options;
  const random = createRandom(options.seed);
  const ledger = createLedger();
  const relay = createRelay(dataDir);
  let followers: Follower[] = [];
  let sending = true;
  let working = true;
  await relay.start();
  try {
    const senders = await enlist(relay, "sender", options.senders, []);
    const claimers = await enlist(relay, "worker", options.claimers, ["worker"]);
    const readers = await enlist(relay, "reader", options.followers, ["news"]);
    const targets = [NEWS, ...readers.map((reader) => reader.id)];
    const scene = (goesOn: () => boolean): Scene => ({ relay, ledger, targets, goesOn });
    const [busy, present] = [scene(() => sending), scene(() => working)];
    followers = readers.map((reader) => follow(present, reader, random.fork()));
    const sends = Promise.all(senders.map((sender) => send(busy, sender, random.fork())));
    const works = Promise.all(claimers.map((claimer) => work(present, claimer, random.fork())));

    for (let cycle = 1; cycle <= cycles; cycle++) {
      await Bun.sleep(random.between(...LIFE_MS));
      await relay.kill();
      await relay.start();
      onCycle?.(cycle, ledger);
    }
    sending = false;
    await sends;
    await inTime(() => allDone(ledger));
    working = false;
    await works;
    await judge(relay, ledger, senders, followers);
  } finally {
    sending = working = false;
    for (const one of followers) one.close();
    await relay.kill();
  }
  return {
    cycles,
    sent: ledger.sent.size,
    completed: ledger.completed.size,
    followed: followers.reduce((sum, one) => sum + one.seen.length, 0),
    connections: followers.reduce((sum, one) => sum + one.connections, 0),
    faults: ledger.faults,
  };
}

/** Everything that was promised against everything that is stored. */
async function judge(relay: DrilledRelay, ledger: Ledger, senders: readonly Member[], followers: readonly Follower[]) {
  const last = await relay.insist("POST", "/v1/messages", relay.operatorToken, { to: NEWS, body: "the end" });
  await inTime(() => followers.every((one) => one.seen.at(-1) === last.body.id));
  const log = await readLog(relay);
  checkSends(ledger, log);
  await checkWork(relay, ledger, log, senders);
  checkFollowers(ledger, log, followers, NEWS);
  const { body: health } = await relay.insist("GET", "/v1/health", relay.operatorToken);
  const integrity = health.checks.find((check: { name: string }) => check.name === "integrity");
  if (integrity?.status !== "ok") ledger.fault(`the database is damaged: ${integrity?.detail}`);
  for (const one of followers) one.close();
  if ((await relay.stop()) !== 0) ledger.fault("the relay did not end well");
}

const allDone = ({ sent, completed }: Ledger): boolean =>
  [...sent.values()].every((one) => !one.claimable || completed.has(Number(one.id)));

/** Registers agents, each with a token of its own. */
async function enlist(relay: DrilledRelay, name: string, count: number, tags: string[]): Promise<Member[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const id = `${name}-${i}`;
      await relay.insist("PUT", `/v1/agents/${id}`, relay.operatorToken, { name: id, tags });
      const { body } = await relay.insist("POST", "/v1/tokens", relay.operatorToken, { role: "agent", agentId: id });
      return { id, token: body.token as string };
    }),
  );
}

/** Waits for what still has to come by itself; what does not come is found by the checks. */
async function inTime(met: () => boolean): Promise<void> {
  for (const end = performance.now() + MAX_DRAIN_MS; !met() && performance.now() < end; ) await Bun.sleep(20);
}
