import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkFollowers, checkSends, checkWork, readLog } from "./checks.ts";
import { type Follower, follow } from "./followers.ts";
import { createLedger } from "./ledger.ts";
import { createRandom } from "./random.ts";
import { createRelay, type DrilledRelay } from "./relay.ts";
import { type Member, type Scene, send } from "./senders.ts";
import { work } from "./workers.ts";

export interface DrillOptions {
  /** How often the relay is killed. */
  cycles: number;
  senders: number;
  seed: number;
  workers?: number;
  followers?: number;
  /** Told how it goes. */
  say?(line: string): void;
}

export interface DrillReport {
  violations: readonly string[];
  counts: { kills: number; accepted: number; completed: number; stored: number; seen: number; connections: number };
}

/** How long the relay lives after each start, under load. */
const LIFE_MS = [80, 700] as const;
const GROUP = "tag:watch";

/**
 * Kills the relay again and again while many send, work and follow; starts it on the same folder and port; and at the end
 * checks that nothing it promised was lost, and that nothing came twice.
 */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { cycles, senders: senderCount, seed, workers: workerCount = 12, followers: followerCount = 6 } = options;
  const say = options.say ?? (() => undefined);
  const random = createRandom(seed);
  const ledger = createLedger();
  const dataDir = mkdtempSync(join(tmpdir(), "signalbox-drill-"));
  const relay = createRelay(dataDir);
  let followers: Follower[] = [];
  try {
    await relay.start();
    const senders = await enlist(relay, "sender", senderCount, []);
    const workers = await enlist(relay, "worker", workerCount, ["worker"]);
    const watchers = await enlist(relay, "watcher", followerCount, ["watch"]);
    let sending = true;
    let working = true;
    const targets = [GROUP, ...watchers.map((watcher) => watcher.id)];
    const scene = (goesOn: () => boolean): Scene => ({ relay, ledger, targets, goesOn });
    followers = watchers.map((watcher) =>
      follow(
        scene(() => true),
        watcher,
        random.fork(),
      ),
    );
    const busySenders = senders.map((sender) =>
      send(
        scene(() => sending),
        sender,
        random.fork(),
      ),
    );
    const busyWorkers = workers.map((worker) =>
      work(
        scene(() => working),
        worker,
        random.fork(),
      ),
    );

    for (let cycle = 1; cycle <= cycles; cycle++) {
      await Bun.sleep(random.between(...LIFE_MS));
      await relay.kill();
      await relay.start();
      if (cycle % 10 === 0)
        say(`${cycle} kills, ${ledger.accepted.size} sends, ${ledger.violations.length} violations`);
    }
    sending = false;
    await Promise.all(busySenders);
    await settled(relay, () =>
      [...ledger.accepted.values()].every((one) => !one.claimable || ledger.completed.has(Number(one.id))),
    );
    working = false;
    await Promise.all(busyWorkers);
    const { body: last } = await relay.insist("POST", "/v1/messages", relay.operatorToken, {
      to: GROUP,
      body: "the end",
    });
    await settled(relay, () => followers.every((one) => one.seen.at(-1) === last.id));

    const log = await readLog(relay);
    checkSends(ledger, log);
    await checkWork(relay, ledger, log, senders);
    checkFollowers(ledger, log, followers, GROUP);
    const { body: health } = await relay.insist("GET", "/v1/health", relay.operatorToken);
    const integrity = health.checks.find((check: { name: string }) => check.name === "integrity");
    if (integrity?.status !== "ok") ledger.violate(`the database is damaged: ${integrity?.detail}`);
    if ((await relay.stop()) !== 0) ledger.violate("the relay did not end well");
    return {
      violations: ledger.violations,
      counts: {
        kills: cycles,
        accepted: ledger.accepted.size,
        completed: ledger.completed.size,
        stored: log.length,
        seen: followers.reduce((sum, one) => sum + one.seen.length, 0),
        connections: followers.reduce((sum, one) => sum + one.connections, 0),
      },
    };
  } finally {
    for (const one of followers) one.close();
    await relay.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

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

const SETTLE_MS = 30_000;

/** Waits for what still has to come by itself; what does not come is found by the checks. */
async function settled(relay: DrilledRelay, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  while (!isSo() && performance.now() < deadline) {
    await relay.up();
    await Bun.sleep(20);
  }
}
