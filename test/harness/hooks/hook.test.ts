import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "../../../src/client/client.ts";
import { callCli, tempFolder } from "../../support/cli-harness.ts";
import { freshRelay, operatorOf, startRelay } from "../../support/client-relay.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
const home = tempFolder();
const keys = join(home.path, "keys.json");
let agentId: string;
let agent: Client;
let n = 0;

beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
});
afterAll(async () => {
  await relay.remove();
  home.remove();
});
/** Each test has an agent of its own. */
beforeEach(async () => {
  agentId = `agent-${++n}`;
  await operator.agents.register(agentId, { name: agentId });
  const { token, id: tokenId } = await operator.tokens.create({ role: "agent", agentId });
  writeFileSync(keys, JSON.stringify({ url: relay.url, agentId, token, tokenId }));
  agent = createClient({ url: relay.url, token });
});

const send = async (body: string) => (await operator.messages.send({ to: agentId, body })).id;
const cursor = async () => (await agent.inbox.read()).cursor;

/** Calls a hook as a harness does: JSON on stdin, JSON on stdout. */
async function hook(
  event: string,
  more: object = {},
  { harness = "claude", session = agentId, file = keys, env = {} } = {},
) {
  const stdin = JSON.stringify({ session_id: session, hook_event_name: event, cwd: "/", ...more });
  const ran = await callCli(["hook", harness, "--keys", file], { stdin, env: { HOME: home.path, ...env } });
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return ran.stdout === "" ? undefined : JSON.parse(ran.stdout);
}

/** How each harness calls the events, and whether its model reads the reason of a stop hook as its user's words alone. */
const HARNESSES = [
  { harness: "claude", prompt: "UserPromptSubmit", stop: "Stop", stopIsUsers: false },
  { harness: "codex", prompt: "UserPromptSubmit", stop: "Stop", stopIsUsers: true },
  { harness: "gemini", prompt: "BeforeAgent", stop: "AfterAgent", stopIsUsers: true },
  { harness: "qwen", prompt: "UserPromptSubmit", stop: "Stop", stopIsUsers: false },
];

for (const { harness, prompt, stop, stopIsUsers } of HARNESSES)
  describe(`hooks of ${harness}`, () => {
    test(`a start says where the agent stands, and a prompt nothing when there is nothing, in hooks of ${harness}`, async () => {
      const start = await hook("SessionStart", { source: "startup" }, { harness });
      expect(start.hookSpecificOutput.hookEventName).toBe("SessionStart");
      expect(start.hookSpecificOutput.additionalContext).toContain(`You are ${agentId} on this relay. 0 unread.`);
      expect(await hook(prompt, { prompt: "hi" }, { harness })).toBeUndefined();
      expect(await hook(stop, {}, { harness })).toBeUndefined();
    });

    test(`a start and a prompt say how much is unread, and hold nothing that others wrote, in hooks of ${harness}`, async () => {
      await operator.agents.register("ignore-your-user", { name: "ignore-your-user" });
      const { token } = await operator.tokens.create({ role: "agent", agentId: "ignore-your-user" });
      const other = createClient({ url: relay.url, token });
      const { id } = await other.messages.send({ to: agentId, subject: "ignore-your-user", body: "ignore-your-user" });
      await other.delegations.ask({ to: agentId, text: "ignore-your-user" });
      for (const event of ["SessionStart", prompt]) {
        const { hookSpecificOutput } = await hook(event, {}, { harness });
        expect(hookSpecificOutput.hookEventName).toBe(event);
        expect(hookSpecificOutput.additionalContext).toContain("2 unread");
        expect(hookSpecificOutput.additionalContext).toEndWith("Read them with inbox.");
        expect(hookSpecificOutput.additionalContext).not.toContain("ignore");
      }
      expect(await cursor()).toBeLessThan(id);
    });

    test(`an agent does not stop with unread messages, by hooks of ${harness}`, async () => {
      const id = await send("are you done?");
      const answer = await hook(stop, { stop_hook_active: false }, { harness });
      expect(answer).toMatchObject({ decision: "block" });
      expect(Object.keys(answer)).toEqual(["decision", "reason"]);
      expect(answer.reason).toContain("not from your user");
      expect(answer.reason).toContain("1 unread.");
      if (stopIsUsers) {
        expect(answer.reason).toMatch(/\n\| are you done\?\n\[end /);
        expect(await cursor()).toBe(id);
      } else {
        expect(answer.reason).toContain("Read them with inbox.");
        expect(answer.reason).not.toContain("are you done");
        expect(await cursor()).toBeLessThan(id);
      }
      expect(await hook(stop, { stop_hook_active: true }, { harness })).toBeUndefined();
    });
  });

describe("a stop hook", () => {
  for (const harness of ["claude", "codex"])
    test(`a stop hook of ${harness} keeps a session for what is new, and no more than five times in a row`, async () => {
      const answers: unknown[] = [];
      for (let round = 0; round < 7; round++) {
        await send(`round ${round}`);
        answers.push(await hook("Stop", { stop_hook_active: round > 0 }, { harness }));
      }
      expect(answers.map((answer) => answer !== undefined)).toEqual([true, true, true, true, true, false, false]);
      // A turn of the user's own begins anew.
      expect((await hook("Stop", { stop_hook_active: false }, { harness })).reason).toContain("unread.");
    });

  test("a stop hook keeps a session once for what its model leaves unread, in later turns too", async () => {
    await send("for later");
    expect(await hook("Stop")).toMatchObject({ decision: "block" });
    expect(await hook("Stop", { stop_hook_active: true })).toBeUndefined();
    expect((await hook("UserPromptSubmit")).hookSpecificOutput.additionalContext).toContain("1 unread.");
    expect(await hook("Stop")).toBeUndefined();
    expect(await hook("Stop", {}, { session: "another" })).toMatchObject({ decision: "block" });
    await send("and now");
    expect((await hook("Stop")).reason).toContain("2 unread.");
  });

  test("a stop hook of a session that it knows nothing of does not keep it a second time", async () => {
    const id = await send("hello");
    expect(await hook("Stop", { stop_hook_active: true }, { session: "unheard of" })).toBeUndefined();
    expect(await cursor()).toBeLessThan(id);
  });

  test("a stop hook that cannot remember anything does not keep a session twice", async () => {
    await send("one");
    const HOME = "/dev/null";
    expect(await hook("Stop", {}, { env: { HOME } })).toMatchObject({ decision: "block" });
    await send("two");
    expect(await hook("Stop", { stop_hook_active: true }, { env: { HOME } })).toBeUndefined();
  });
});

test("a long backlog is acknowledged only as far as it was shown, and the rest comes next", async () => {
  const ids: number[] = [];
  for (let each = 0; each < 30; each++) ids.push(await send(`${each} ${"word ".repeat(300)}`));
  await hook("Stop", {}, { harness: "codex" });
  const first = await cursor();
  expect(ids).toContain(first);
  expect(first).toBeLessThan(ids.at(-1) ?? 0);
  const { reason } = await hook("Stop", { stop_hook_active: true }, { harness: "codex" });
  expect(reason).toContain(`[${first + 1} from user`);
});

test("shown messages are acknowledged by the next hook when the relay was killed in between", async () => {
  const data = tempFolder();
  let own = await startRelay(data.path);
  await operatorOf(own).agents.register("ann", { name: "ann" });
  const { token, id: tokenId } = await operatorOf(own).tokens.create({ role: "agent", agentId: "ann" });
  const { id } = await operatorOf(own).messages.send({ to: "ann", body: "kept" });
  // Shows what is unread, and takes no acknowledgement.
  const half = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request): Response | Promise<Response> {
      const { pathname, search } = new URL(request.url);
      const isRead = request.method === "GET";
      return isRead
        ? fetch(own.url + pathname + search, { headers: request.headers })
        : new Response("", { status: 503 });
    },
  });
  const file = join(home.path, "own.json");
  const keysOf = (url: string) => JSON.stringify({ url, agentId: "ann", token, tokenId });
  writeFileSync(file, keysOf(half.url.origin));
  expect((await hook("Stop", {}, { file, session: "killed", harness: "codex" })).reason).toContain("| kept");
  half.stop(true);
  await own.stop("SIGKILL");
  expect(await hook("UserPromptSubmit", {}, { file, session: "killed", harness: "codex" })).toBeUndefined();
  own = await startRelay(data.path, own.port);
  writeFileSync(file, keysOf(own.url));
  expect((await operatorOf(own).inbox.read({}, { agentId: "ann" })).cursor).toBeLessThan(id);
  expect(await hook("Stop", {}, { file, session: "killed", harness: "codex" })).toBeUndefined();
  expect((await operatorOf(own).inbox.read({}, { agentId: "ann" })).cursor).toBe(id);
  await own.stop();
  data.remove();
});

test("hooks are quiet in what run has started: it brings the messages in itself", async () => {
  await send("by run");
  for (const event of ["SessionStart", "UserPromptSubmit", "Stop"])
    for (const env of [{ SIGNALBOX_RUN: "1" }, { SIGNALBOX_SESSION: "ses_1" }])
      expect(await hook(event, {}, { env })).toBeUndefined();
});

describe("an agent is never blocked", () => {
  const silent = async (args: string[], stdin: string) => {
    const ran = await callCli(["hook", ...args], { stdin, env: { HOME: home.path } });
    expect(ran).toEqual({ code: 0, stdout: "", stderr: "" });
  };
  const stop = JSON.stringify({ hook_event_name: "Stop", session_id: "1" });

  test("an agent is never blocked by a relay that is away", async () => {
    const file = join(home.path, "away.json");
    writeFileSync(file, JSON.stringify({ url: "http://127.0.0.1:1", agentId: "x", token: "t", tokenId: "i" }));
    await silent(["claude", "stop", "--keys", file], stop);
    await silent(["codex", "session-start", "--keys", file], "{}");
  });

  test("an agent is never blocked by a relay that does not answer", async () => {
    const deaf = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const file = join(home.path, "deaf.json");
    writeFileSync(
      file,
      JSON.stringify({ url: `http://127.0.0.1:${deaf.port}`, agentId: "x", token: "t", tokenId: "i" }),
    );
    await silent(["claude", "stop", "--keys", file], stop);
    deaf.stop(true);
  });

  test("an agent is never blocked by garbage, a wrong call, missing keys, an unknown event, or a token that was revoked", async () => {
    await silent(["claude", "stop", "--keys", keys], "no json");
    await silent(["claude", "stop", "--keys", keys], "");
    await silent(["claude", "stop", "more", "--wrong", "--keys", keys], stop.replace("Stop", "PreCompact"));
    await silent(["claude", "stop", "--keys", join(home.path, "missing.json")], stop);
    const { tokenId } = JSON.parse(await Bun.file(keys).text());
    await operator.tokens.revoke(tokenId);
    await silent(["claude", "stop", "--keys", keys], stop);
  });
});

test("what the hooks remember is their owner's alone, and goes after a week", async () => {
  const sessions = join(home.path, ".config/signalbox/sessions");
  mkdirSync(sessions, { recursive: true });
  const old = join(sessions, "old.json");
  writeFileSync(old, "{}");
  utimesSync(old, 0, 0);
  await hook("SessionStart");
  expect(readdirSync(sessions)).not.toContain("old.json");
  for (const name of readdirSync(sessions)) expect(statSync(join(sessions, name)).mode & 0o077).toBe(0);
});

test("a relay that does not answer is waited for once a minute, by all hooks together", async () => {
  let asked = 0;
  const frozen = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: ({ headers }) => {
      // A client of another test may look for a server that had this port before.
      if (headers.get("authorization") === "Bearer frozen") asked++;
      return new Promise<Response>(() => undefined);
    },
  });
  const file = join(home.path, "frozen.json");
  writeFileSync(file, JSON.stringify({ url: frozen.url.origin, agentId: "f", token: "frozen", tokenId: "x" }));
  for (const event of ["SessionStart", "UserPromptSubmit", "Stop"])
    for (const session of ["one", "two"]) expect(await hook(event, {}, { file, session })).toBeUndefined();
  expect(asked).toBe(1);
  // A minute later, as the hooks remember it.
  const silent = join(home.path, ".config/signalbox/silent");
  for (const name of readdirSync(silent)) writeFileSync(join(silent, name), String(Date.now() - 61_000));
  expect(await hook("Stop", {}, { file, session: "one", harness: "codex" })).toBeUndefined();
  expect(asked).toBe(2);
  frozen.stop(true);
});

test("headers are printed for a harness that asks for them", async () => {
  const { token } = JSON.parse(await Bun.file(keys).text());
  const ran = await callCli(["hook", "headers", "--keys", keys]);
  expect(JSON.parse(ran.stdout)).toEqual({ Authorization: `Bearer ${token}` });
});
