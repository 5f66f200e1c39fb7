import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { findMarked } from "../../src/harness/providers/process/processes.ts";
import { ENGINE, PROGRAM } from "../support/program.ts";
import { atEnd, tempFolder } from "../support/relay.ts";
import { startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

/** Agent that keeps sessions, starts a process that outlives its group, and answers once the file `go` is there. */
const AGENT = `
import { existsSync } from "node:fs";
const say = (line) => process.stdout.write(JSON.stringify(line) + "\\n");
for await (const text of console) {
  const line = JSON.parse(text);
  if (line.type === "start") say({ type: "ready" });
  if (line.type === "turn") {
    Bun.spawn(["setsid", "sleep", "600"], { stdio: ["ignore", "ignore", "ignore"] });
    while (!existsSync("go")) await Bun.sleep(20);
    say({ type: "done", text: "went on" });
  }
}`;

/** Names its stderr as the one that the journal of systemd reads. */
const AS_JOURNAL = ["sh", "-c", 'export JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr); exec "$@"', "sh"];

test("the program runs a command agent, and a kill -9 loses and doubles nothing, and leaves no process", async () => {
  const server = await startServer();
  const folder = tempFolder();
  const workspace = join(folder, "work");
  mkdirSync(workspace);
  writeFileSync(join(folder, "agent.js"), AGENT);
  const client = createClient({ url: server.url, token: server.operatorToken });
  const { token } = await client.tokens.create({ role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" });
  writeFileSync(join(folder, "token"), token);
  chmodSync(join(folder, "token"), 0o600);
  const config = {
    ...{ id: "box", relay: server.url, tokenFile: join(folder, "token"), workspace, journal: join(folder, "j.db") },
    providers: [
      { name: "own", kind: "command", command: process.execPath, args: [join(folder, "agent.js")], can: ["resume"] },
    ],
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const start = async (before: string[] = []) => {
    const child = Bun.spawn([...before, ...PROGRAM, "orchestrator", "--config", join(folder, "config.json")], {
      env: { PATH: process.env.PATH, HOME: folder, ...ENGINE },
      stdout: "ignore",
      stderr: "pipe",
    });
    atEnd(async () => child.kill(9));
    let log = "";
    void (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of child.stderr) log += decoder.decode(bytes, { stream: true });
    })();
    await until(() => log.includes("Orchestrator box runs"), "the daemon's start");
    return { child, log: () => log };
  };
  const ours = async () => (await client.sessions.list()).items.map(({ id }) => id);
  const marked = async () => {
    const ids = await ours();
    return (await findMarked()).filter(({ sessionId }) => ids.includes(sessionId));
  };
  const first = await start();
  const sent = await client.messages.send({ to: "box-own", body: "Work." });
  await until(async () => (await marked()).some(({ command }) => command.includes("sleep")), "the tool");
  first.child.kill(9);
  await first.child.exited;
  const second = await start(AS_JOURNAL);
  expect(first.log()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z Orchestrator box runs/m);
  expect(second.log()).toMatch(/^Ended (1 process|\d+ processes) that session ses_/m);
  writeFileSync(join(workspace, "go"), "");
  const answers = async () => (await client.messages.list({ from: "box-own" })).items;
  await until(async () => (await answers()).length > 0, "the answer");
  const stopped = Bun.spawn([...PROGRAM, "orchestrator", "stop", "--config", join(folder, "config.json")], {
    env: { PATH: process.env.PATH, HOME: folder, ...ENGINE },
    stdout: "ignore",
  });
  expect(await stopped.exited).toBe(0);
  expect(await second.child.exited).toBe(0);
  expect((await answers()).map(({ body, replyTo }) => ({ body, replyTo }))).toEqual([
    { body: "went on", replyTo: sent.id },
  ]);
  expect(await marked()).toEqual([]);
}, 60_000);
