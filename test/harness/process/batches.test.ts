import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "../../../src/client/client.ts";
import { runCli, startCli, tempFolder } from "../../support/cli-harness.ts";
import { until } from "../../support/client-harness.ts";
import { freshRelay, operatorOf, startRelay } from "../../support/client-relay.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
const folder = tempFolder();
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
});
afterAll(async () => {
  await relay.remove();
  folder.remove();
});

function script(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

async function agent(agentId: string) {
  await operator.agents.register(agentId, { name: agentId });
  const { token } = await operator.tokens.create({ role: "agent", agentId });
  return { SIGNALBOX_URL: relay.url, SIGNALBOX_TOKEN: token };
}
const cursorOf = async (agentId: string) => (await operator.inbox.read({}, { agentId })).cursor;
const send = async (to: string, body: string) => (await operator.messages.send({ to, body })).id;

describe("an agent that is started for its messages", () => {
  test("an agent that is started for its messages gets each batch on stdin, one at a time, and has it acknowledged after exit 0", async () => {
    const env = await agent("reader");
    const log = join(folder.path, "reader.log");
    const command = script(
      "reader.sh",
      `[ -e "${log}.busy" ] && echo TWICE >> "${log}"\ntouch "${log}.busy"\ncat >> "${log}"\nsleep 0.3\nrm "${log}.busy"\necho "read $SIGNALBOX_UNREAD for $SIGNALBOX_AGENT"`,
    );
    const first = await send("reader", "waiting already");
    const { child, ended, printed } = startCli(["run", "--", command], { env });
    await until(async () => (await cursorOf("reader")) >= first);
    expect((await operator.agents.get("reader")).reach).toBe("idle");
    const second = await send("reader", "while it waits");
    await until(() => readFileSync(log, "utf8").includes("while it waits"));
    const third = await send("reader", "while it works");
    await until(async () => (await cursorOf("reader")) >= third);
    expect(second).toBeLessThan(third);
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
    const text = readFileSync(log, "utf8");
    for (const body of ["waiting already", "while it waits", "while it works"])
      expect(text.split(`| ${body}\n`)).toHaveLength(2);
    expect(text).not.toContain("TWICE");
    expect(printed()).toContain("read 1 for reader\n");
    expect((await operator.agents.get("reader")).reach).toBe("asked");
  });

  test("an agent that is started for its messages is not started for what is settled", async () => {
    const env = await agent("settler");
    const log = join(folder.path, "settler.log");
    const command = script("settler.sh", `cat >> "${log}"`);
    const own = createClient({ url: relay.url, token: env.SIGNALBOX_TOKEN });
    const work = await operator.messages.send({ to: "settler", body: "done already", claimable: true });
    await own.claims.complete(work.id, { token: (await own.claims.claim(work.id)).claim.token });
    const { child, ended } = startCli(["run", "--", command], { env });
    const id = await send("settler", "to be read");
    await until(async () => (await cursorOf("settler")) >= id);
    child.kill("SIGINT");
    await ended;
    const text = readFileSync(log, "utf8");
    expect(text).toContain("1 unread.");
    expect(text).not.toContain("done already");
  });

  test("an agent that is started for its messages gets the text in place of {digest}, as one argument that no shell looks into", async () => {
    const env = await agent("placed");
    const log = join(folder.path, "placed.log");
    const command = script("placed.sh", `printf '%s' "$2" > "${log}"`);
    const id = await send("placed", "$(touch hacked) 'quoted'");
    const { child, ended } = startCli(["run", "--", command, "-p", "Do: {digest}"], { env, cwd: folder.path });
    await until(async () => (await cursorOf("placed")) >= id);
    child.kill("SIGTERM");
    await ended;
    expect(readFileSync(log, "utf8")).toMatch(/^Do: You are placed[\s\S]*\| \$\(touch hacked\) 'quoted'\n/);
    expect(existsSync(join(folder.path, "hacked"))).toBe(false);
  });

  test("an agent that is started for its messages is started again after a failure, and nothing is acknowledged before it succeeds", async () => {
    const env = await agent("clumsy");
    const log = join(folder.path, "clumsy.log");
    const command = script(
      "clumsy.sh",
      `echo try >> "${log}"\n[ "$(wc -l < "${log}")" -ge 2 ] || { echo broken >&2; exit 3; }`,
    );
    const id = await send("clumsy", "try hard");
    const { child, ended, printed } = startCli(["run", "--json", "--", command], { env });
    await until(() => printed().includes('"failed"'));
    expect(await cursorOf("clumsy")).toBeLessThan(id);
    await until(() => printed().includes('"done"'));
    expect(await cursorOf("clumsy")).toBeGreaterThanOrEqual(id);
    child.kill("SIGINT");
    const events = (await ended).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(["started", "failed", "started", "done"]);
    expect(events[1]).toMatchObject({ reason: "exit 3" });
  });

  test("an agent that is started for its messages is ended at Ctrl-C with nothing acknowledged, and killed -9 it is started for the same again", async () => {
    const env = await agent("slow");
    const log = join(folder.path, "slow.log");
    const command = script("slow.sh", `cat >> "${log}"\nsleep 60 & wait`);
    const id = await send("slow", "take your time");
    for (const kill of ["SIGINT", "SIGKILL"] as const) {
      const runs = existsSync(log) ? readFileSync(log, "utf8").split("take your time").length : 1;
      const { child, ended } = startCli(["run", "--", command], { env });
      await until(() => existsSync(log) && readFileSync(log, "utf8").split("take your time").length > runs);
      child.kill(kill);
      await child.exited;
      if (kill === "SIGINT") await ended;
      expect(await cursorOf("slow")).toBeLessThan(id);
    }
  });

  test("an agent that is started for its messages whose command is not there is told so", async () => {
    const env = await agent("missing");
    await send("missing", "hello");
    const ran = await runCli(["run", "--", join(folder.path, "nothing")], { env });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("cannot be run");
  });

  test("an agent that is started for its messages goes on when the relay was away", async () => {
    const data = tempFolder();
    let own = await startRelay(data.path);
    await operatorOf(own).agents.register("steady", { name: "steady" });
    const { token } = await operatorOf(own).tokens.create({ role: "agent", agentId: "steady" });
    const { child, ended } = startCli(["run", "--", "true"], {
      env: { SIGNALBOX_URL: own.url, SIGNALBOX_TOKEN: token },
    });
    await until(async () => (await operatorOf(own).agents.get("steady")).reach === "idle");
    await own.stop("SIGKILL");
    own = await startRelay(data.path, own.port);
    const { id } = await operatorOf(own).messages.send({ to: "steady", body: "back again" });
    await until(async () => (await operatorOf(own).inbox.read({}, { agentId: "steady" })).cursor >= id);
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
    await own.stop();
    data.remove();
  });
});
