import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "../../src/client/client.ts";
import { callCli, runCli, startCli, tempFolder } from "../support/cli-harness.ts";
import { until } from "../support/client-harness.ts";
import { freshRelay, operatorOf } from "../support/client-relay.ts";
import { PROGRAM } from "../support/program.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
const folder = tempFolder();
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  for (const id of ["ann", "builder", "worker"]) await operator.agents.register(id, { name: id, tags: [`is-${id}`] });
});
afterAll(async () => {
  await relay.remove();
  folder.remove();
});

/** As the operator on the server's machine: the data folder says the rest. */
const cli = (args: string[], stdin?: string) => callCli([...args, "--data", relay.dataDir], { stdin });
const json = async (args: string[], stdin?: string) => {
  const ran = await cli([...args, "--json"], stdin);
  if (ran.code !== 0) throw new Error(`${args.join(" ")}: ${ran.code} ${ran.stderr}`);
  return JSON.parse(ran.stdout);
};

/** The command line of an agent with a token of its own. */
async function tokenEnv(agentId: string) {
  const { token } = await operator.tokens.create({ role: "agent", agentId });
  return { SIGNALBOX_URL: relay.url, SIGNALBOX_TOKEN: token };
}

describe("the operator on the server's machine", () => {
  test("the operator on the server's machine needs to say nothing about where and who", async () => {
    expect(await json(["whoami"])).toMatchObject({ role: "operator" });
    const ran = await cli(["whoami"]);
    expect(ran.stdout).toContain(join(relay.dataDir, "server.json"));
  });

  test("the operator on the server's machine encrypts and decrypts with a password from the environment", async () => {
    const secret = (args: string[], password: string) =>
      callCli([...args, "--data", relay.dataDir], { env: { SIGNALBOX_PASSWORD: password } });
    const sent = await secret(["send", "ann", "under the mat", "--encrypt", "--json"], "correct horse");
    const { id, encoding, body } = JSON.parse(sent.stdout);
    expect([encoding, body.includes("mat")]).toEqual(["opaque", false]);
    expect((await secret(["thread", `${id}`, "--decrypt"], "correct horse")).stdout).toContain("under the mat");
    expect((await secret(["thread", `${id}`, "--decrypt"], "battery staple")).stdout).toContain("(encrypted)");
    expect((await secret(["send", "@ops", "x", "--encrypt"], "correct horse")).stderr).toContain(
      "Name the agent itself",
    );
    expect((await secret(["thread", `${id}`, "--decrypt"], "")).stderr).toContain("SIGNALBOX_PASSWORD");
  });

  test("the operator on the server's machine registers, lists, shows, deletes and restores agents", async () => {
    expect(await json(["register", "temp", "--tag", "a", "--tag", "b", "--capability", "c"])).toMatchObject({
      id: "temp",
      name: "temp",
      tags: ["a", "b"],
      capabilities: ["c"],
    });
    expect((await cli(["agents", "list", "--tag", "a"])).stdout).toMatch(/temp +provider/);
    expect((await cli(["agents", "show", "temp"])).stdout).toContain("provider");
    expect(await json(["agents", "rm", "temp"])).toEqual({ deleted: "temp" });
    expect((await cli(["agents", "show", "temp"])).code).toBe(1);
    const again = await cli(["register", "temp"]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("restore")]);
    expect(await json(["agents", "restore", "temp"])).toMatchObject({
      id: "temp",
      tags: ["a", "b"],
      status: "offline",
    });
    const next = (await cli(["agents", "restore", "temp"])).stdout.split("signalbox ")[1]?.trim().split(" ") ?? [];
    expect(await json(next)).toMatchObject({ agentId: "temp" });
  });

  test("the operator on the server's machine makes a token, whose secret is shown once, and revokes it", async () => {
    const made = await json(["tokens", "create", "--role", "agent", "--agent", "ann", "--group", "tag:*"]);
    expect(made).toMatchObject({ role: "agent", agentId: "ann", groups: ["tag:*"] });
    const list = await cli(["tokens", "list"]);
    expect(list.stdout).toContain(made.id);
    expect(list.stdout).not.toContain(made.token);
    await json(["tokens", "revoke", made.id]);
    const ran = await runCli(["whoami", "--url", relay.url], { env: { SIGNALBOX_TOKEN: made.token } });
    expect(ran.code).toBe(1);
  });

  test("the operator on the server's machine looks after health, backups and itself", async () => {
    expect(await json(["health"])).toMatchObject({ status: expect.stringMatching(/ok|warn/) });
    expect((await json(["backup"])).bytes).toBeGreaterThan(0);
    const { checks } = await json(["doctor"]);
    const names = checks.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(["reachable", "token", "role", "clock", "disk", "token file"]));
    expect(checks.filter(({ status }: { status: string }) => status === "fail")).toEqual([]);
  });
});

describe("messages", () => {
  test("messages are sent from an argument or stdin, and found again", async () => {
    const sent = await json(["send", "ann", "the aardvark is green", "--subject", "main", "--payload", '{"a":1}']);
    expect(sent).toMatchObject({ from: "user", to: "ann", subject: "main", payload: { a: 1 }, matched: 1 });
    const reply = await json(["send", "builder", "--as", "ann", "--reply-to", String(sent.id)], "from a pipe\n");
    expect(reply).toMatchObject({ from: "ann", body: "from a pipe", threadId: sent.id });
    const thread = await cli(["thread", String(sent.id)]);
    expect(thread.stdout).toMatch(/#\d+ {2}user → ann.*the aardvark is green.*ann → builder.*from a pipe/s);
    await until(async () => (await cli(["search", "aardvark"])).stdout.includes("the aardvark is green"));
    expect((await cli(["search", "nosuchword"])).stdout).toBe("No such message\n");
  });

  test("messages to somebody who reads only when it looks, or is not there, say so", async () => {
    await operator.agents.register("deskbound", { name: "deskbound" });
    expect((await cli(["send", "deskbound", "hello"])).stderr).toBe("deskbound reads only when it looks\n");
    await operator.agents.patch("deskbound", { reach: "idle" });
    expect((await cli(["send", "deskbound", "hello"])).stderr).toBe("");
    await operator.agents.patch("deskbound", { status: "offline" });
    expect((await cli(["send", "deskbound", "hello"])).stderr).toContain("is offline");
  });

  test("messages to nobody suggest somebody", async () => {
    const ran = await cli(["send", "buidler", "hello"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("builder");
  });

  test("messages tell their story", async () => {
    const { id } = await json(["send", "tag:is-ann", "hello"]);
    const ran = await cli(["explain", String(id)]);
    expect(ran.stdout).toMatch(/WHEN +WHAT +DETAILS/);
    expect(ran.stdout).toContain("ann: ");
  });

  test("messages do nothing to the terminal they are shown on", async () => {
    const { id } = await json(["send", "ann", "\u001b]0;owned\u0007\u001b[31mred\u202E", "--subject", "\u202Eevil"]);
    for (const args of [
      ["thread", String(id)],
      ["thread", String(id), "--json"],
      ["inbox", "--as", "ann"],
    ]) {
      const ran = await cli(args);
      expect(ran.stdout).toContain("red");
      for (const unseen of ["\u001b", "\u202e", "\u0007"]) expect(ran.stdout).not.toContain(unseen);
    }
  });
});

describe("an inbox", () => {
  test("an inbox is read, and acknowledged when asked", async () => {
    await operator.agents.register("reader", { name: "reader" });
    expect((await cli(["inbox", "--as", "reader"])).stdout).toContain("Nothing new");
    const { id } = await json(["send", "reader", "one"]);
    expect((await json(["inbox", "--as", "reader", "--ack"])).items).toMatchObject([{ id, body: "one" }]);
    expect((await json(["inbox", "--as", "reader"])).items).toEqual([]);
  });

  test("an inbox is followed line by line until Ctrl-C", async () => {
    const env = await tokenEnv("ann");
    const before = (await operator.inbox.read({ limit: 1 }, { agentId: "ann" })).head;
    const { child, ended, printed } = startCli(["inbox", "--follow", "--ack", "--json", "--after", String(before)], {
      env,
    });
    const ids: number[] = [];
    for (const body of ["first", "second", "third"]) ids.push((await operator.messages.send({ to: "ann", body })).id);
    await until(() => printed().split("\n").length === 4);
    await until(async () => (await operator.inbox.read({}, { agentId: "ann" })).cursor >= Number(ids[1]));
    child.kill("SIGINT");
    const ran = await ended;
    expect(ran.code).toBe(0);
    const lines = ran.stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(ids);
    expect(ran.stderr).toContain("Following ann");
  });

  test("an inbox is followed by an operator who looks on", async () => {
    await operator.agents.register("sleeper", { name: "sleeper" });
    const { id } = await operator.messages.send({ to: "sleeper", body: "zzz" });
    const { child, ended, printed } = startCli([
      "inbox",
      "--follow",
      "--as",
      "sleeper",
      "--json",
      "--data",
      relay.dataDir,
    ]);
    await until(() => printed().endsWith("\n"));
    child.kill("SIGTERM");
    expect(JSON.parse((await ended).stdout)).toMatchObject({ id, body: "zzz" });
  });

  test("an inbox piped into something that stops reading ends quietly", async () => {
    for (let n = 0; n < 5; n++) await operator.messages.send({ to: "sleeper", body: `${n}` });
    const line = `${PROGRAM.join(" ")} search --from user --limit 500 --data ${relay.dataDir} | head -c 10`;
    const shell = Bun.spawn(["bash", "-o", "pipefail", "-c", line], { stdout: "pipe", stderr: "pipe" });
    expect(await new Response(shell.stderr).text()).toBe("");
  });
});

describe("work", () => {
  test("work is claimed, renewed and completed without naming the lease", async () => {
    const env = await tokenEnv("builder");
    const { id } = await operator.messages.send({ to: "builder", body: "build", claimable: true });
    const claim = await callCli(["claim", "--json"], { env });
    expect(JSON.parse(claim.stdout).items).toMatchObject([{ message: { id }, claim: { attempt: 1 } }]);
    expect((await callCli(["claim", "--held"], { env })).stdout).toContain("build");
    expect((await callCli(["renew", String(id), "--lease", "900"], { env })).stdout).toContain("held until");
    expect((await callCli(["complete", String(id), "built"], { env })).stdout).toContain("is done");
    expect((await callCli(["claim"], { env })).code).toBe(4);
    expect((await callCli(["complete", String(id), "again"], { env })).code).toBe(4);
  });

  test("work is released, failed, listed as dead and requeued", async () => {
    const env = await tokenEnv("builder");
    const { id } = await operator.messages.send({ to: "builder", body: "try", claimable: true, maxAttempts: 1 });
    await callCli(["claim", String(id)], { env });
    expect((await callCli(["release", String(id), "--reason", "busy"], { env })).stdout).toContain("is open");
    const late = await callCli(["complete", String(id), "ok", "--lease-token", `clm_${id}_1`], { env });
    expect([late.code, late.stderr]).toEqual([4, expect.stringContaining("has ended; it is open")]);
    await callCli(["claim", String(id)], { env });
    expect((await callCli(["fail", String(id), "broken"], { env })).stdout).toContain("is dead");
    expect((await cli(["dead-letters", "list"])).stdout).toContain("broken");
    expect((await cli(["dead-letters", "requeue", String(id)])).stdout).toContain("is open");
    await operator.claims.cancel(id);
  });
});

describe("a worker's command", () => {
  const script = join(folder.path, "job.sh");
  beforeAll(() => {
    writeFileSync(
      script,
      `#!/bin/sh
body=$(cat | sed 's/.*"body":"\\([^"]*\\)".*/\\1/')
case $body in
  done) echo "did $SIGNALBOX_MESSAGE_ID, attempt $SIGNALBOX_ATTEMPT, $1" ;;
  later) echo "come back" >&2; exit 75 ;;
  hang) sleep 60 & wait ;;
  *) echo "cannot $body" >&2; exit 3 ;;
esac
`,
    );
    chmodSync(script, 0o755);
  });

  const task = async (body: string) =>
    (await operator.messages.send({ to: "worker", body, claimable: true, maxAttempts: 1 })).id;
  const stateOf = async (id: number) => (await operator.messages.get(id)).state;

  test("a worker's command gets the message, and its exit says what became of it", async () => {
    const env = await tokenEnv("worker");
    const { child, ended } = startCli(["work", "--json", "--", script, "$(id)"], { env });
    const good = await task("done");
    await until(async () => (await stateOf(good)) === "done");
    const bad = await task("jump");
    await until(async () => (await stateOf(bad)) === "dead");
    const back = await task("later");
    await until(async () => (await operator.messages.get(back)).attempts.some(({ outcome }) => outcome === "released"));
    child.kill("SIGTERM");
    const ran = await ended;
    expect(ran.code).toBe(0);
    await operator.claims.cancel(back);

    const [answer] = (await operator.messages.list({ thread: good, kind: "response" })).items;
    expect(answer?.body).toBe(`did ${good}, attempt 1, $(id)`);
    expect((await operator.messages.get(bad)).attempts[0]?.error).toBe("exit 3: cannot jump");
    const lines = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({ type: "claimed", messageId: good, attempt: 1 });
    expect(lines[1]).toEqual({ type: "completed", messageId: good });
    expect(lines[3]).toMatchObject({ type: "failed", messageId: bad });
  });

  test("a worker's command takes the runs that others ask its agent for, and their later turns", async () => {
    const env = await tokenEnv("worker");
    const { child, ended } = startCli(["work", "--", script, "as asked"], { env });
    const endOf = async (id: string) => {
      await until(async () => (await operator.runs.get(id)).status === "ended");
      const { outcome, result, error, turns } = await operator.runs.get(id);
      return { outcome, text: result?.text, error, turns: turns.length };
    };
    const run = await operator.runs.create({ agentId: "worker", task: "done" });
    const text = `did ${run.messageId}, attempt , as asked`;
    expect(await endOf(run.id)).toEqual({ outcome: "ok", text, error: null, turns: 1 });
    const bad = await operator.runs.create({ agentId: "worker", task: "jump" });
    expect(await endOf(bad.id)).toMatchObject({ outcome: "error", error: "exit 3: cannot jump" });
    await operator.runs.tell(bad.id, { text: "done" });
    await until(async () => (await operator.runs.get(bad.id)).outcome === "ok");
    expect(await endOf(bad.id)).toMatchObject({ outcome: "ok", turns: 2 });
    const long = await operator.runs.create({ agentId: "worker", task: "hang" });
    await until(async () => (await operator.runs.get(long.id)).status === "running");
    await operator.runs.abort(long.id);
    expect(await endOf(long.id)).toMatchObject({ outcome: "aborted" });
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  test("a worker's command that fails is tried again later, as often as was said, and the worker ends when nothing is left", async () => {
    const env = await tokenEnv("worker");
    const { id } = await operator.messages.send({ to: "worker", body: "jump", claimable: true, maxAttempts: 5 });
    const ran = await runCli(["work", "--exit-when-empty", "--", script], { env });
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(/^#\d+ failed \(again in [12] s\): exit 3: cannot jump$/m);
    expect(await operator.messages.get(id)).toMatchObject({ attempts: [{ outcome: "failed" }] });
    await until(async () => (await stateOf(id)) === "open");
    expect((await runCli(["work", "--exit-when-empty", "--retries", "1", "--", script], { env })).code).toBe(0);
    expect(await stateOf(id)).toBe("dead");
  });

  test("a worker's command is run once when that is asked for, and the exit says what became of it", async () => {
    const env = await tokenEnv("worker");
    const [good, bad] = [await task("done"), await task("jump")];
    const once = (...more: string[]) => runCli(["work", "--once", ...more, "--", script], { env });
    expect((await once()).code).toBe(0);
    expect([await stateOf(good), await stateOf(bad)]).toEqual(["done", "open"]);
    expect(await once()).toMatchObject({ code: 1, stdout: "" });
    expect((await once("--exit-when-empty")).code).toBe(4);
  });

  test("a worker's command finds no token of an environment that means another relay", async () => {
    const { SIGNALBOX_TOKEN: token = "" } = await tokenEnv("worker");
    const found = async (url: string) => {
      const id = await task("done");
      const args = [
        "work",
        "--once",
        "--shell",
        "printenv SIGNALBOX_TOKEN || echo none",
        "--url",
        relay.url,
        "--token",
        token,
      ];
      await runCli(args, { env: { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: "secret" } });
      return (await operator.messages.list({ thread: id, kind: "response" })).items[0]?.body;
    };
    expect(await found("http://127.0.0.1:1")).toBe("none");
    expect(await found(relay.url)).toBe("secret");
  });

  test("a worker's command that gives work back does not get it again at once", async () => {
    const env = await tokenEnv("worker");
    const id = await task("later");
    expect((await runCli(["work", "--exit-when-empty", "--", script], { env })).code).toBe(0);
    expect(await operator.messages.get(id)).toMatchObject({ state: "delayed", attempts: [{ outcome: "released" }] });
    await operator.claims.cancel(id);
  });

  test("a worker's command is ended, with all it started, at Ctrl-C, and the work given back", async () => {
    const env = await tokenEnv("worker");
    const id = await task("hang");
    const { child, ended } = startCli(["work", "--", script], { env });
    await until(async () => (await stateOf(id)) === "claimed");
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
    expect(await stateOf(id)).toBe("open");
    await operator.claims.cancel(id);
  });

  test("a worker's command that is run once and stopped before its end is not called completed", async () => {
    const env = await tokenEnv("worker");
    for (const [body, code, said] of [
      ["hang", 1, "The item was not completed: released"],
      [undefined, 4, "No work came"],
    ] as const) {
      const id = body && (await task(body));
      const { child, ended, complained } = startCli(["work", "--once", "--", script], { env });
      await until(async () => (id ? (await stateOf(id)) === "claimed" : complained().includes("Waiting")));
      child.kill("SIGTERM");
      const ran = await ended;
      expect(ran.code).toBe(code);
      expect(ran.stderr).toContain(said);
      if (id) await operator.claims.cancel(id);
    }
  });

  test("a worker for nobody who was named says so at once", async () => {
    const ran = await runCli(["work", "--once", "--exit-when-empty", "--data", relay.dataDir, "--", "true"]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain("an operator's token acts as user. Name the agent with --as");
  });

  test("a command that is not there stops the worker and costs the work nothing", async () => {
    const env = await tokenEnv("worker");
    const id = await task("done");
    const ran = await runCli(["work", "--", join(folder.path, "missing")], { env });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("cannot be run");
    expect(await operator.messages.get(id)).toMatchObject({ state: "open", attempts: [{ outcome: "released" }] });
    await operator.claims.cancel(id);
  });

  test("a worker's command goes through a shell only when asked", async () => {
    const env = await tokenEnv("worker");
    const id = await task("done");
    const { child, ended } = startCli(["work", "--shell", "cat > /dev/null; echo one && echo two"], { env });
    await until(async () => (await stateOf(id)) === "done");
    child.kill("SIGINT");
    await ended;
    expect((await operator.messages.list({ thread: id, kind: "response" })).items[0]?.body).toBe("one\ntwo");
  });
});

test("serve runs the relay with its flags, and leaves its address only while it runs", async () => {
  const data = join(folder.path, "served");
  const { child, ended } = startCli(["serve", "--port", "0", "--data", data], {
    env: { SIGNALBOX_URL: "http://127.0.0.1:1" },
  });
  const file = join(data, "server.json");
  await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("}"));
  const { url } = JSON.parse(readFileSync(file, "utf8"));
  expect(await createClient({ url }).alive()).toEqual({ status: "ok" });
  expect((await runCli(["health", "--data", data])).code).toBe(0);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
  expect(existsSync(file)).toBe(false);
});
