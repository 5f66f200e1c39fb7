import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runDaemon } from "../../src/daemon/main.ts";
import { startDaemon } from "../support/daemon.ts";
import { listen } from "../support/listen.ts";
import { startRelay, tempFolder } from "../support/relay.ts";
import { until } from "../support/until.ts";

/** Begins the daemon of a configuration, as the program does. */
function begin(folder: string, { relay, token }: { relay: string; token: string }) {
  const configPath = join(folder, "config.json");
  const config = {
    ...{ id: "box", relay, workspace: join(folder, "work"), journal: join(folder, "j.db") },
    providers: [{ name: "own", kind: "command", command: process.execPath }],
  };
  writeFileSync(configPath, JSON.stringify(config));
  const log: string[] = [];
  const stop = new AbortController();
  const runs = runDaemon({
    ...{ configPath, environment: { SIGNALBOX_TOKEN: token }, bridge: [], stop: stop.signal },
    log: (sentence) => void log.push(sentence),
  });
  return { log, stop, runs };
}

test("a daemon that cannot reach its relay says so once, and stops when it is asked to", async () => {
  const { log, stop, runs } = begin(tempFolder(), { relay: "http://127.0.0.1:1", token: "sb_none" });
  await until(() => log.length > 0, "the first sentence");
  stop.abort();
  await runs;
  expect(log).toEqual([
    expect.stringMatching(
      /^The relay is away: http:\/\/127\.0\.0\.1:1 does not answer: .*\. The daemon tries again until it is back\.$/,
    ),
    "Stopping: the start is not over",
  ]);
});

test("a daemon starts without a CLI that is slow to say its version, and reports that and what it can do later", async () => {
  const world = await startDaemon({ provider: { fork: false } });
  const slow = Promise.withResolvers<void>();
  world.fake.version = "2.0.0";
  const { probe } = world.fake;
  world.fake.probe = () => slow.promise.then(() => probe());
  const provider = async () => (await world.relay.ask("GET", "/v1/orchestrators/box")).body.providers[0];
  const beginning = world.restart();
  await until(() => world.sleepsFor(10_000), "the wait for the CLI");
  await world.pass(10_000);
  await beginning;
  expect(world.log).toContain("The start goes on: some CLIs have not said their version yet");
  expect(await provider()).toEqual({ name: "fake", capabilities: expect.not.arrayContaining(["fork"]) });
  world.fake.capabilities.fork = true;
  slow.resolve();
  await until(() => world.sleepsFor(30_000), "the heartbeat");
  await world.pass(30_000);
  await until(async () => (await provider()).version === "2.0.0", "the version");
  expect((await provider()).capabilities).toContain("fork");
});

test("a daemon whose place a newer one takes ends without a failure, so that no service starts it again", async () => {
  const relay = await startRelay();
  const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
  const { token } = (await relay.ask("POST", "/v1/tokens", draft)).body;
  const at = { relay: listen(relay), token };
  const older = begin(tempFolder(), at);
  await until(() => older.log.includes("Orchestrator box runs"), "the older daemon");
  const newer = begin(tempFolder(), at);
  await older.runs;
  expect(older.log.at(-1)).toStartWith("The relay no longer takes this daemon for the orchestrator: ");
  newer.stop.abort();
  await newer.runs;
});
