import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ACP_AGENTS } from "../../../../src/harness/providers/acp/agents.ts";
import { acpProvider } from "../../../../src/harness/providers/acp/provider.ts";
import { SessionMissing } from "../../../../src/harness/providers/errors.ts";
import { listen } from "../../../support/listen.ts";
import { fakeAcp } from "../../../support/providers/acp.ts";
import { hear, openTask } from "../../../support/providers/session.ts";
import { startRelay, tempFolder } from "../../../support/relay.ts";

const HOME = tempFolder();
const environment = { PATH: process.env.PATH ?? "", HOME };
const full = fakeAcp("full", { environment });
const open = (more: Parameters<typeof hear>[1] = {}) => hear(full, { environment, ...more });
const input = (text: string) => ({
  ...{ id: crypto.randomUUID(), text, images: [] },
  provenance: { kind: "human", from: "ana" } as const,
});
const stored = (sessionId: string) => JSON.parse(readFileSync(join(HOME, "sessions", `${sessionId}.json`), "utf8"));

test("A turn of an agent is told from its beginning to its result", async () => {
  const one = await open();
  const id = await one.send(
    "think Hm\nHello there\nrun echo out; exit 3\nsay Done.\nplan\nnotice Slow\ncost 0.5\ncost 0.75\nstrange",
  );
  expect(await one.ended()).toEqual({
    ...{ outcome: "ok", errorCode: null, error: null, text: "Done.", structured: undefined },
    ...{ inputIds: [id], moreFollow: false, durationMs: null },
  });
  expect(one.of("state").map(({ state }) => state)).toEqual(["idle", "working", "idle"]);
  expect(
    one
      .of("say")
      .map(({ delta }) => delta)
      .join(""),
  ).toBe("Hello thereDone.");
  expect(one.of("think")).toEqual([{ type: "think", delta: "Hm" }]);
  expect(one.of("tool")).toEqual([
    expect.objectContaining({ phase: "start", name: "execute", args: { command: "echo out; exit 3" } }),
    expect.objectContaining({ phase: "result", isError: true, exitCode: 3 }),
  ]);
  expect(one.of("status").map(({ text }) => text)).toEqual(["Plan, 1 of 2: Write", "Slow"]);
  expect(one.of("usage").map(({ usage }) => usage)).toEqual([
    { costUsd: 0.5 },
    { costUsd: 0.25 },
    { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3, cacheWriteTokens: 0 },
  ]);
});

test("Lines that are not of the protocol are noise, and are not answered", async () => {
  const one = await open();
  await one.send("junk\nsay still here");
  expect((await one.ended()).text).toBe("still here");
  expect(one.of("noise").map(({ text }) => text)).toEqual(["Stand-in 9.8.7 starts", "Welcome!", "{broken"]);
});

test("Abilities are learned from the agent", async () => {
  expect(await full.probe()).toEqual({ version: "9.8.7", account: null });
  expect(full.capabilities).toMatchObject({ resume: true, fork: true, ephemeralFork: true, steer: true });
  const load = fakeAcp("load", { environment });
  expect(load.capabilities.resume).toBe(false);
  await load.probe();
  expect(load.capabilities).toMatchObject({ resume: true, fork: false, ephemeralFork: false, steer: false });
});

test("A permission is asked for with the agent's options", async () => {
  const one = await open();
  await one.send("ask true push\nask true pull\nask rm x");
  const { request } = await one.saw("ask");
  expect(request).toMatchObject({
    subject: { type: "command", line: "true push", cwd: one.task.cwd, envNames: [] },
    ...{ title: "Run it", offers: { once: true, session: true }, oneTap: true },
  });
  expect(one.of("state").at(-1)?.state).toBe("asking");
  expect(await one.session.answer("9", { decision: "allow", scope: "once", text: null })).toBe(false);
  await one.session.answer(request.requestId, { decision: "allow", scope: "once", text: null });
  await one.session.answer((await one.saw("ask", 2)).request.requestId, {
    decision: "allow",
    scope: "session",
    text: null,
  });
  await one.session.answer((await one.saw("ask", 3)).request.requestId, {
    decision: "deny",
    scope: "once",
    text: null,
  });
  await one.ended();
  expect(one.text()).toBe("always");
  const results = one.of("tool").filter(({ phase }) => phase === "result");
  expect(results).toMatchObject([{ isError: false }, { isError: false }, { isError: true }]);
});

test("G14: hidden characters of an edit and a command are spelled out, and one tap allows neither", async () => {
  const one = await open();
  await one.send("edit /w/ok\u001b]0;/../../etc/x\u0007.txt\nask ls \u009d0;rm x\u009c \u202e-la");
  const edit = (await one.saw("ask")).request;
  const path = "/w/ok\\u{1b}]0;/../../etc/x\\u{7}.txt";
  expect(edit).toMatchObject({ subject: { type: "edit", path }, oneTap: false });
  expect(edit.subject).toMatchObject({ diff: expect.stringContaining(`+++ ${path}\n`) });
  await one.session.answer(edit.requestId, { decision: "deny", scope: "once", text: null });
  const command = (await one.saw("ask", 2)).request;
  expect(command).toMatchObject({ subject: { line: "ls \\u{9d}0;rm x\\u{9c} \\u{202e}-la" }, oneTap: false });
  await one.session.answer(command.requestId, { decision: "deny", scope: "once", text: null });
  await one.ended();
});

test("An edit is asked for as a patch, another tool by its input, and a form as a question", async () => {
  const one = await open();
  await one.send("edit /a/b.ts\ntool buy\nform");
  const edit = (await one.saw("ask")).request;
  const patch = "@@ -1,3 +1,4 @@\n a\n-old\n+new\n+newer\n b\n";
  expect(edit.subject).toEqual({ type: "edit", path: "/a/b.ts", diff: `--- /a/b.ts\n+++ /a/b.ts\n${patch}` });
  await one.session.answer(edit.requestId, { decision: "allow", scope: "once", text: null });
  const tool = (await one.saw("ask", 2)).request;
  expect(tool).toMatchObject({ subject: { type: "tool", server: "full", name: "buy", input: { b: 2, a: 1 } } });
  expect(tool.exact).toBe('{"input":{"a":1,"b":2},"name":"buy","title":"Use buy"}');
  await one.session.answer(tool.requestId, { decision: "deny", scope: "once", text: null });
  const form = (await one.saw("ask", 3)).request;
  expect(form.subject).toMatchObject({ type: "question", options: [{ id: "small" }, { id: "large" }] });
  await one.session.answer(form.requestId, { decision: "answer", scope: "once", text: "Large" });
  expect((await one.ended()).text).toBe('{"action":"accept","content":{"size":"large"}}');
  expect(one.of("diff")).toEqual([{ type: "diff", path: "/a/b.ts", change: "modified", added: 2, removed: 1, patch }]);
});

test("A text that begins like a command is sent as a message", async () => {
  const one = await open();
  await one.send("/clear\nsay kept");
  expect((await one.ended()).text).toBe("kept");
  expect(one.text()).toBe("Message:\n\n/clear\n\nkept");
});

test("Unattended, permissions and forms are refused at once", async () => {
  const one = await open({ unattended: true });
  await one.send("ask make\nform");
  expect((await one.ended()).text).toContain('{"action":"decline"}');
  expect(one.of("ask")).toEqual([]);
});

test("An interrupt cancels the pending permission and the queue, and the session goes on", async () => {
  const one = await open();
  const first = await one.send("ask make\nsay never");
  const queued = await one.send("say never either");
  const { request } = await one.saw("ask");
  expect(await one.session.interrupt()).toEqual({ cancelled: [queued] });
  expect(await one.ended()).toMatchObject({ outcome: "aborted", inputIds: [first], text: "" });
  expect(one.of("ask-withdrawn")).toEqual([{ type: "ask-withdrawn", requestId: request.requestId }]);
  await one.send("say alive");
  expect((await one.ended(2)).text).toBe("alive");
});

test("A text is steered into a running turn where the agent says it can", async () => {
  const one = await open();
  expect(await one.session.steer(input("too early"))).toBe("refused");
  const first = await one.send("wait");
  const steered = input("look left");
  expect(await one.session.steer(steered)).toBe("steered");
  expect(await one.ended()).toMatchObject({ text: "steered: look left", inputIds: [first, steered.id] });
  const bare = await hear(fakeAcp("bare", { environment }), { environment });
  await bare.send("wait");
  expect(await bare.session.steer(input("x"))).toBe("refused");
});

test.each([
  ["stop refusal", "refused", "refused to go on"],
  ["stop max_tokens", "provider", "longest answer"],
  ["stop something_new", "unknown", "something_new"],
  ["fail quota exceeded", "limited", "quota exceeded"],
  ["fail it broke", "provider", "it broke"],
])("A turn that ends with %s has the code %s", async (text, errorCode, error) => {
  const one = await open();
  await one.send(text);
  expect(await one.ended()).toMatchObject({ outcome: "error", errorCode, error: expect.stringContaining(error) });
});

test("A session is resumed or loaded as the agent can, without its history", async () => {
  const one = await open();
  const nativeId = one.session.nativeId ?? "";
  await one.session.close();
  const resume = { how: "resume", nativeId, continueTurn: false } as const;
  const again = await open({ origin: resume });
  expect(stored(nativeId).method).toBe("session/resume");
  await again.session.close();
  const loaded = await hear(fakeAcp("load", { environment }), { environment, origin: resume });
  expect(loaded.session.nativeId).toBe(nativeId);
  await loaded.send("say new");
  await loaded.ended();
  expect(loaded.of("say").map(({ delta }) => delta)).toEqual(["new"]);
  await expect(fakeAcp("bare", { environment }).open(openTask({ environment, origin: resume }))).rejects.toThrow(
    "cannot resume",
  );
});

test("A session that is not there is an error, never a new one", async () => {
  const before = readdirSync(join(HOME, "sessions")).length;
  for (const variant of ["full", "load", "mute"]) {
    const origin = { how: "resume", nativeId: crypto.randomUUID(), continueTurn: false } as const;
    const opening = fakeAcp(variant, { environment }).open(openTask({ environment, origin }));
    await expect(opening).rejects.toBeInstanceOf(SessionMissing);
  }
  expect(readdirSync(join(HOME, "sessions"))).toHaveLength(before);
});

test("A fork for a peek is deleted at its end, and the original stays", async () => {
  const one = await open();
  const nativeId = one.session.nativeId ?? "";
  const peek = await open({ origin: { how: "fork", nativeId, ephemeral: true } });
  const copy = peek.session.nativeId ?? "";
  expect(stored(copy).method).toBe("session/fork");
  await peek.session.close();
  expect(() => stored(copy)).toThrow();
  expect(stored(nativeId).method).toBe("session/new");
});

test("The relay's tools, the system prompt and the model reach the agent, and no file or terminal of ours is offered", async () => {
  const mcp = { url: "http://127.0.0.1:1/mcp", token: "sbx_secret" };
  const one = await open({ mcp, systemPrompt: "Be brief.", model: "small" });
  expect(stored(one.session.nativeId ?? "").params).toMatchObject({
    systemPrompt: { mode: "append", content: [{ type: "text", text: "Be brief." }] },
    mcpServers: [
      {
        type: "http",
        name: "signalbox",
        url: mcp.url,
        headers: [{ name: "Authorization", value: "Bearer sbx_secret" }],
      },
    ],
  });
  expect(readFileSync(`/proc/${one.session.pid}/cmdline`, "utf8")).not.toContain(mcp.token);
  expect(JSON.parse(readFileSync(join(one.task.cwd, "model.json"), "utf8"))).toMatchObject({ value: "small" });
  await one.send("file");
  expect((await one.ended()).text).toContain("-32601");
  await expect(full.open(openTask({ environment, model: "huge" }))).rejects.toThrow("It has: big, small.");
});

test("An agent that takes no MCP server over HTTP gets the relay's tools on stdio, with a token that no command line shows", async () => {
  const relay = await startRelay();
  const { token } = await relay.agent("ann");
  const mcp = { url: `${listen(relay)}/mcp`, token };
  const one = await hear(fakeAcp("load", { environment }), { environment, mcp });
  await one.send("tools");
  expect((await one.ended()).text).toContain("inbox");
  const { command, args, env } = stored(one.session.nativeId ?? "").params.mcpServers[0];
  expect([command, ...args].join(" ")).not.toContain(token);
  expect(env).toContainEqual({ name: "SIGNALBOX_SESSION", value: one.task.sessionId });
});

test("An agent without an own system prompt gets it before the first input alone", async () => {
  const one = await hear(fakeAcp("bare", { environment }), { environment, systemPrompt: "Be brief." });
  await one.send("first");
  await one.send("second");
  await one.ended(2);
  expect(one.text()).toBe("Be brief.\n\nfirstsecond");
});

test.each([
  ["login", "wants a login"],
  ["silent", "did not answer within 0.3 s"],
  ["old", "speaks version 0"],
])("An agent that is %s is an error that says what to do", async (variant, sentence) => {
  const provider = fakeAcp(variant, { environment, ...(variant === "silent" && { startMs: 300 }) });
  await expect(provider.open(openTask({ environment }))).rejects.toThrow(sentence);
});

test("A process that dies in its turn is told by its exit", async () => {
  const one = await open();
  await one.send("die");
  expect(await one.session.exited).toMatchObject({ code: 3, left: [] });
  await expect(one.send("more")).rejects.toThrow("has ended");
  expect(one.of("result")).toEqual([]);
});

test("Looking lists the sessions of others, and removes one where the agent can", async () => {
  expect(await full.listForeign?.()).toEqual([
    { nativeId: "s1", cwd: "/a", name: "theirs", pid: null, isOpen: null, startedAt: null },
  ]);
  const one = await open();
  const nativeId = one.session.nativeId ?? "";
  await one.session.close();
  const task = { nativeId, cwd: one.task.cwd, environment };
  await full.remove?.(task);
  expect(() => stored(nativeId)).toThrow();
  await expect(fakeAcp("load", { environment }).remove?.(task)).rejects.toThrow("cannot delete");
});

test("Tools that are to be left out are refused before anything starts", async () => {
  await expect(full.open(openTask({ tools: { allow: [], deny: ["Bash"] } }))).rejects.toThrow("cannot leave out Bash");
});

test("A name that is not known needs words, and an agent that is not there says how to install it", async () => {
  expect(() => acpProvider({ name: "nobody", bridge: [], environment })).toThrow("No agent is known as nobody");
  const gone = acpProvider({ name: "qwen", bridge: [], environment: { PATH: "/nowhere" } });
  await expect(gone.open(openTask())).rejects.toThrow("npm install -g @qwen-code/qwen-code");
  expect(new Set(ACP_AGENTS.map(({ name }) => name)).size).toBe(ACP_AGENTS.length);
});
