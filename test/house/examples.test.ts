import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../src/config.ts";
import { commandProvider } from "../../src/harness/providers/command/provider.ts";
import { atEnd } from "../support/ending.ts";
import { ROOT } from "../support/markdown.ts";
import { QUICK_SWEEP } from "../support/providers/processes.ts";
import { hear } from "../support/providers/session.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const EXAMPLES = join(ROOT, "examples");
const WORKERS = [
  { file: "worker.ts", command: [process.execPath], needs: [] },
  { file: "worker.py", command: ["python3"], needs: ["python3"] },
  { file: "worker.sh", command: ["bash"], needs: ["bash", "curl", "jq"] },
];

const RUNNERS = [
  { file: "runner.ts", command: [process.execPath], needs: [] },
  { file: "runner.py", command: ["python3"], needs: ["python3"] },
];

/** An operator that makes an agent and speaks HTTP as any program does. */
async function callerOf(server: TestServer) {
  const call = async (path: string, body?: object) => {
    const answer = await fetch(server.url + path, {
      method: path === "/v1/agents/counter" ? "PUT" : body ? "POST" : "GET",
      headers: { authorization: `Bearer ${server.operatorToken}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    expect(answer.ok).toBe(true);
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
    return (await answer.json()) as any;
  };
  await call("/v1/agents/counter", { name: "Counter", tags: ["count"] });
  const { token } = await call("/v1/tokens", { role: "agent", agentId: "counter" });
  const hand = (body: string, maxAttempts = 5) =>
    call("/v1/messages", { to: "tag:count", body, claimable: true, maxAttempts });
  const stateOf = async (id: number) => (await call(`/v1/messages/${id}`)).state;
  const told = async (id: number) =>
    (await call(`/v1/threads/${id}`)).items.map(({ from, body }: { from: string; body: string }) => `${from}: ${body}`);
  return { call, token, hand, stateOf, told };
}

function startWorker(command: string[], file: string, env: Record<string, string>) {
  const child = Bun.spawn([...command, join(EXAMPLES, file)], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdout: "ignore",
    stderr: "inherit",
  });
  atEnd(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  return child;
}

for (const { file, command, needs } of WORKERS) {
  const missing = needs.filter((program) => !Bun.which(program));
  const why = missing.length > 0 ? ` (skipped: there is no ${missing.join(", ")} here)` : "";
  describe.skipIf(missing.length > 0)(`examples/${file}${why}`, () => {
    test(`examples/${file} completes work with its result, fails work that has none, and stops when told`, async () => {
      const server = await startServer();
      const { token, hand, stateOf, told } = await callerOf(server);
      const first = await hand('one "two"\nthree \\ fünf');
      const worker = startWorker(command, file, { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: token });
      await until(async () => (await stateOf(first.id)) === "done", "the first work");
      const empty = await hand("   ", 1);
      await until(async () => (await stateOf(empty.id)) === "dead", "work without words");
      expect(await told(first.id)).toContain("counter: 5 words");
      expect((await told(empty.id)).at(-1)).toContain("the message has no words");
      worker.kill("SIGTERM");
      expect(await worker.exited).toBe(0);
    });

    test(`examples/${file} lives through a death of the relay, and takes up the work that it holds`, async () => {
      const server = await startServer();
      const { token, call, hand } = await callerOf(server);
      const held = await hand("held before the start");
      await call("/v1/agents/counter/claims", { leaseSeconds: 3600 });
      await server.kill();
      const worker = startWorker(command, file, { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: token });
      const port = Number(new URL(server.url).port);
      const again = await startServer({ dataDir: server.dataDir, port });
      const { hand: handAgain, stateOf } = await callerOf(again);
      await until(async () => (await stateOf(held.id)) === "done", "the work that it held");
      const later = await handAgain("after the death");
      await until(async () => (await stateOf(later.id)) === "done", "work after the death");
      worker.kill("SIGTERM");
      expect(await worker.exited).toBe(0);
    });
  });
}

for (const { file, command, needs } of RUNNERS) {
  const missing = needs.filter((program) => !Bun.which(program));
  const why = missing.length > 0 ? ` (skipped: there is no ${missing.join(", ")} here)` : "";
  describe.skipIf(missing.length > 0)(`examples/${file}${why}`, () => {
    test(`examples/${file} takes runs, shows its work, and lives through a death of the relay`, async () => {
      const server = await startServer();
      const { token, call } = await callerOf(server);
      const ask = (task: string) => call("/v1/runs", { agentId: "counter", task });
      const first = await ask('one "two"\nthree \\ fünf');
      const runner = startWorker(command, file, { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: token });
      const endOf = async (id: string) => (await call(`/v1/runs/${id}`)).outcome;
      await until(async () => (await endOf(first.id)) === "ok", "the first run");
      expect((await call(`/v1/runs/${first.id}`)).result.text).toBe("5 words");
      const parts = (await call(`/v1/runs/${first.id}/events`)).items.map(({ part }: ShownPart) => part);
      expect(parts).toContainEqual(
        expect.objectContaining({ type: "tool-output-available", toolCallId: parts.find(isCall).toolCallId }),
      );
      const empty = await ask("   ");
      await until(async () => (await endOf(empty.id)) === "error", "a run without words");
      expect(await call(`/v1/runs/${empty.id}`)).toMatchObject({
        errorCode: "refused",
        error: "the task has no words",
      });
      await server.kill();
      const again = await startServer({ dataDir: server.dataDir, port: Number(new URL(server.url).port) });
      const later = (await callerOf(again)).call;
      const last = await later("/v1/runs", { agentId: "counter", task: "after the death" });
      await until(async () => (await later(`/v1/runs/${last.id}`)).outcome === "ok", "a run after the death");
      runner.kill("SIGTERM");
      expect(await runner.exited).toBe(0);
    });
  });
}

test.skipIf(!Bun.which("python3"))("examples/agent.py is an agent that a daemon can run", async () => {
  const provider = commandProvider({
    ...{ name: "own", words: ["python3", join(EXAMPLES, "agent.py")], environment: { PATH: process.env.PATH ?? "" } },
    containment: { sweep: QUICK_SWEEP },
  });
  const heard = await hear(provider);
  for (const text of ["one two three", "four"]) await heard.send(text);
  await heard.ended(2);
  expect(heard.of("result").map(({ result }) => result.text)).toEqual(["3 words", "1 words"]);
  expect(readFileSync(join(ROOT, "docs/write-a-provider.md"), "utf8")).toContain(
    readFileSync(join(EXAMPLES, "agent.py"), "utf8").split("\n\n").at(-1) ?? "",
  );
});

interface ShownPart {
  part: { type: string; toolCallId?: string };
}
const isCall = ({ type }: ShownPart["part"]): boolean => type === "tool-input-available";

test("the compose file publishes the relay on loopback alone, and mounts files that are there", () => {
  const text = readFileSync(join(EXAMPLES, "compose.yaml"), "utf8");
  const { services } = Bun.YAML.parse(text) as {
    services: Record<string, { ports?: string[]; volumes?: string[]; environment?: Record<string, string> }>;
  };
  expect(services.relay?.ports).toEqual(["127.0.0.1:4747:4747"]);
  for (const [name, { volumes = [], environment = {} }] of Object.entries(services)) {
    for (const volume of volumes.filter((one) => one.startsWith("./")))
      expect(readFileSync(join(EXAMPLES, volume.split(":")[0] ?? ""), "utf8")).not.toBe("");
    if (name === "relay") readConfig(environment);
    else expect(Object.keys(environment)).toEqual(["SIGNALBOX_URL", "SIGNALBOX_TOKEN"]);
  }
});
