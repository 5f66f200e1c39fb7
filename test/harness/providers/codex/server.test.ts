import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SessionBusy, SessionMissing } from "../../../../src/harness/providers/errors.ts";
import { fakeCodex } from "../../../support/providers/codex.ts";
import { hear, openTask } from "../../../support/providers/session.ts";
import { tempFolder } from "../../../support/relay.ts";

const codex = fakeCodex();
const open = (more: Parameters<typeof hear>[1] = {}) => hear(codex, more);

test("A turn is told from its receipt to its result, with the text once", async () => {
  const one = await open();
  const id = await one.send("Hello there\nsay Done.");
  expect(await one.ended()).toEqual({
    ...{ outcome: "ok", errorCode: null, error: null, text: "Done.", structured: undefined },
    ...{ inputIds: [id], moreFollow: false, mark: expect.any(String), durationMs: 12 },
  });
  await one.saw("state", 3);
  const kinds = one.events.map((event) => ("state" in event ? `${event.type} ${event.state}` : event.type));
  expect(kinds.filter((kind, index) => kind !== kinds[index - 1])).toEqual([
    ...["native", "state idle", "input queued", "state working", "turn-started", "input started", "say", "usage"],
    ...["result", "state idle"],
  ]);
  expect(one.of("say").map(({ delta }) => delta)).toEqual(["Hell", "o th", "ere", "\n\nDone", "."]);
  expect(one.session.nativeId).toBe(one.of("native")[0]?.nativeId ?? "");
});

test("Tools, changed files, plans, retries and limits become events", async () => {
  const one = await open();
  await one.send("run echo out; exit 3\nplan\nretry\nlimit 40\nlimit 40\nlimit 100\nunknown\njunk");
  await one.ended();
  expect(one.of("tool")).toEqual([
    expect.objectContaining({ phase: "start", name: "shell" }),
    expect.objectContaining({ phase: "update", result: "out\n" }),
    expect.objectContaining({ phase: "result", result: "out\n", isError: true, exitCode: 3 }),
  ]);
  expect(one.of("status").map(({ text }) => text)).toEqual(["Plan, 1 of 2: Write"]);
  expect(one.of("retry")).toEqual([expect.objectContaining({ attempt: 1, status: 503 })]);
  const limit = { account: "ana@example.com", window: "primary", until: 1_800_000_000_000 };
  expect(one.of("limit").map((event) => event.limit)).toEqual([
    expect.objectContaining({ ...limit, state: "allowed", utilization: 40 }),
    expect.objectContaining({ ...limit, state: "rejected", utilization: 100 }),
  ]);
  expect(one.of("noise").map(({ text }) => text)).toEqual(["not json"]);
  expect(one.of("usage").map(({ usage }) => usage)).toEqual([
    { inputTokens: 40, outputTokens: 10, cacheReadTokens: 60, cacheWriteTokens: 0, model: "scripted" },
  ]);
});

test("A command is asked for as the shell gets it, and runs once it is allowed", async () => {
  const one = await open();
  await one.send("ask true git push");
  const { request } = await one.saw("ask");
  expect(request).toMatchObject({
    subject: { type: "command", line: "true git push", cwd: one.task.cwd, envNames: [] },
    ...{ title: "Run a command: it is needed", offers: { once: true, session: false }, oneTap: true },
  });
  expect(one.of("state").at(-1)?.state).toBe("asking");
  expect(await one.session.answer("another", { decision: "allow", scope: "once", text: null })).toBe(false);
  expect(await one.session.answer(request.requestId, { decision: "allow", scope: "session", text: null })).toBe(true);
  expect((await one.ended()).outcome).toBe("ok");
  expect(await one.session.answer(request.requestId, { decision: "allow", scope: "once", text: null })).toBe(false);
  expect(one.of("tool").at(-1)).toMatchObject({ phase: "result", exitCode: 0, isError: false });
  expect(one.of("ask-withdrawn")).toEqual([]);
});

test("A denied command does not run, and the model gets the reason", async () => {
  const one = await open();
  await one.send("ask rm -rf build\nwait");
  const { request } = await one.saw("ask");
  await one.session.answer(request.requestId, { decision: "deny", scope: "once", text: "Keep the build." });
  expect((await one.ended()).text).toBe("steered: Keep the build.");
  expect(one.of("tool").at(-1)).toMatchObject({ phase: "result", result: "declined", isError: true });
});

test("An edit is asked for with its whole patch, and told when it is made", async () => {
  const one = await open();
  await one.send("edit a.ts");
  const { request } = await one.saw("ask");
  const patch =
    "--- a.ts\n+++ a.ts\n@@ -1,2 +1,2 @@\n-old\n+new\n line\n\n--- /dev/null\n+++ a.ts.new\n@@ -0,0 +1,2 @@\n+one\n+two\n";
  expect(request.subject).toEqual({ type: "edit", path: "a.ts", also: ["a.ts.new"], diff: patch });
  await one.session.answer(request.requestId, { decision: "allow", scope: "session", text: null });
  expect((await one.ended()).text).toBe("acceptForSession");
  expect(one.of("diff")).toEqual([
    expect.objectContaining({ path: "a.ts", change: "modified", added: 1, removed: 1 }),
    expect.objectContaining({ path: "a.ts.new", change: "added", added: 2, removed: 0 }),
  ]);
});

test("G14: hidden characters of an edit and a command are spelled out, and one tap allows neither", async () => {
  const one = await open();
  await one.send("edit ok\u001b]0;/../x\u0007.ts\nask ls \u001b]0;rm x\u0007 -la");
  const edit = (await one.saw("ask")).request;
  const path = "ok\\u{1b}]0;/../x\\u{7}.ts";
  expect(edit).toMatchObject({ subject: { type: "edit", path }, oneTap: false });
  expect(edit.title).toContain(path);
  await one.session.answer(edit.requestId, { decision: "deny", scope: "once", text: null });
  const command = (await one.saw("ask", 2)).request;
  expect(command).toMatchObject({ subject: { line: "ls \\u{1b}]0;rm x\\u{7} -la" }, oneTap: false });
  await one.session.answer(command.requestId, { decision: "deny", scope: "once", text: null });
  await one.ended();
});

test("Questions, forms and tools of MCP servers reach people, and their answers Codex", async () => {
  const one = await open();
  await one.send("question Which?\nform\nmcp\ncall");
  const question = await one.saw("ask");
  expect(question.request.subject).toEqual({
    ...{ type: "question", text: "Which?" },
    options: [
      { id: "blue", label: "blue" },
      { id: "red", label: "red" },
    ],
  });
  const answer = (text: string) => ({ decision: "answer", scope: "once", text }) as const;
  await one.session.answer(question.request.requestId, answer("red"));
  const [size, sure] = [await one.saw("ask", 2), await one.saw("ask", 3)];
  expect([size, sure].map(({ request }) => request.subject)).toMatchObject([
    { type: "question", text: "Which size?\n\nSize", options: [] },
    { type: "question", text: "Which size?\n\nsure", options: [{ id: "true", label: "Yes" }, { id: "false" }] },
  ]);
  await one.session.answer(size.request.requestId, answer("42"));
  await one.session.answer(sure.request.requestId, answer("Yes"));
  const tool = await one.saw("ask", 4);
  expect(tool.request).toMatchObject({
    subject: { type: "tool", server: "shop", name: "buy", input: { a: 1 } },
    ...{ exact: '{"input":{"a":1},"server":"shop","tool":"buy"}', offers: { once: true, session: true } },
  });
  await one.session.answer(tool.request.requestId, { decision: "allow", scope: "session", text: null });
  await one.ended();
  const said = one.of("say").map(({ delta }) => delta);
  expect(
    said
      .join("")
      .split("\n\n")
      .map((text) => JSON.parse(text)),
  ).toEqual([
    { answers: { colour: { answers: ["red"] } } },
    { action: "accept", content: { size: 42, sure: true }, _meta: null },
    { action: "accept", content: null, _meta: { persist: "session" } },
    // A question that no client of ours answers.
    expect.objectContaining({ code: -32601 }),
  ]);
});

test("Unattended sessions refuse questions at once", async () => {
  const one = await open({ unattended: true });
  await one.send("ask make\nform");
  await one.ended();
  expect(one.of("ask")).toEqual([]);
  expect(one.of("tool").at(-1)).toMatchObject({ result: "declined" });
  expect(JSON.parse(readFileSync(join(one.task.cwd, "thread.json"), "utf8"))).toMatchObject({
    ...{ approvalPolicy: "never", sandbox: "workspace-write" },
  });
});

test("A steered text has its own receipt, and the late one is refused", async () => {
  const one = await open();
  const first = await one.send("wait");
  await one.saw("turn-started");
  const steered = crypto.randomUUID();
  const provenance = { kind: "human", from: "ana" } as const;
  const input = (id: string) => ({ id, text: "look left", images: [], provenance });
  expect(await one.session.steer(input(steered))).toBe("steered");
  expect(await one.ended()).toMatchObject({ text: "steered: look left", inputIds: [first, steered] });
  expect(
    one
      .of("input")
      .filter(({ inputIds }) => inputIds.includes(steered))
      .at(-1)?.state,
  ).toBe("started");
  expect(await one.session.steer(input(crypto.randomUUID()))).toBe("refused");
});

test("Inputs during a turn wait for its end, and each has a result", async () => {
  const one = await open();
  const ids = [await one.send("wait"), await one.send("say two"), await one.send("say three")];
  await one.saw("turn-started");
  await one.session.steer({
    id: crypto.randomUUID(),
    text: "go",
    images: [],
    provenance: { kind: "relay", from: "x" },
  });
  await one.ended(3);
  expect(one.of("result").map(({ result }) => [result.inputIds[0], result.moreFollow])).toEqual([
    [ids[0], true],
    [ids[1], true],
    [ids[2], false],
  ]);
});

test("An interrupt stops the turn, its question and everything queued", async () => {
  const one = await open();
  const first = await one.send("ask make\nsay never");
  const queued = await one.send("say never either");
  const { request } = await one.saw("ask");
  const steered = crypto.randomUUID();
  await one.session.steer({ id: steered, text: "x", images: [], provenance: { kind: "human", from: "ana" } });
  expect(await one.session.interrupt()).toEqual({ cancelled: [queued, steered] });
  expect(await one.ended()).toMatchObject({ outcome: "aborted", errorCode: null, inputIds: [first], text: "" });
  expect(one.of("ask-withdrawn")).toEqual([{ type: "ask-withdrawn", requestId: request.requestId }]);
  expect(await one.session.interrupt()).toEqual({ cancelled: [] });
  await one.send("say alive");
  expect((await one.ended(2)).text).toBe("alive");
});

test.each([
  ["usageLimitExceeded", "limited"],
  ["serverOverloaded", "provider"],
  ["tooManyDenials", "refused"],
  ["somethingNew", "unknown"],
])("A turn that failed with %s has the code %s", async (kind, errorCode) => {
  const one = await open();
  const id = await one.send(`limit 70\nfail ${kind}`);
  const error = `it broke [${kind}]`;
  expect(await one.ended()).toMatchObject({ outcome: "error", errorCode, error, inputIds: [id] });
  const rejected = one.of("limit").filter(({ limit }) => limit.state === "rejected");
  expect(rejected).toHaveLength(errorCode === "limited" ? 1 : 0);
});

test("A resumed thread goes on, counts its earlier tokens once, and is open at one place at a time", async () => {
  const one = await open();
  await one.send("one");
  await one.ended();
  const nativeId = one.session.nativeId ?? "";
  const resume = { how: "resume", nativeId, continueTurn: false } as const;
  await expect(codex.open(openTask({ origin: resume }))).rejects.toBeInstanceOf(SessionBusy);
  const peek = await open({ origin: { how: "fork", nativeId, ephemeral: true } });
  expect(peek.session.nativeId).not.toBe(nativeId);
  await one.session.close();
  const again = await open({ origin: resume });
  expect(again.session.nativeId).toBe(nativeId);
  await again.send("two");
  await again.ended();
  expect(again.of("usage").map(({ usage }) => usage.inputTokens)).toEqual([40]);
});

test("A thread that is not there is an error that names the home, never a new one", async () => {
  const task = openTask({ origin: { how: "resume", nativeId: crypto.randomUUID(), continueTurn: false } });
  const error = await codex.open(task).catch((reason: Error) => reason);
  expect(error).toBeInstanceOf(SessionMissing);
  expect((error as Error).message).toContain("Codex knows no thread");
});

test("The token of the relay is in the environment alone", async () => {
  const mcp = { url: "http://127.0.0.1:1/mcp", token: "sbx_secret" };
  const one = await open({ mcp, systemPrompt: "Be brief.", tools: { allow: [], deny: ["mcp__signalbox__send"] } });
  const asked = readFileSync(join(one.task.cwd, "thread.json"), "utf8");
  expect(JSON.parse(asked)).toMatchObject({
    ...{ developerInstructions: "Be brief.", approvalPolicy: "on-request", cwd: one.task.cwd },
    config: {
      mcp_servers: {
        signalbox: {
          ...{ url: mcp.url, bearer_token_env_var: "SIGNALBOX_MCP_TOKEN" },
          ...{ default_tools_approval_mode: "approve", disabled_tools: ["send"] },
        },
      },
    },
  });
  expect(asked).not.toContain(mcp.token);
  const { pid } = one.session;
  expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toContain(mcp.token);
  expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toContain(`SIGNALBOX_MCP_TOKEN=${mcp.token}`);
});

test("A tool that Codex cannot leave out is refused before anything starts", async () => {
  const task = openTask({ tools: { allow: [], deny: ["Bash"] } });
  await expect(codex.open(task)).rejects.toThrow("Codex cannot leave out Bash");
});

test("An answer by a schema is structured, and another one is text", async () => {
  const schema = { type: "object", properties: { schema: { type: "string" } }, required: ["schema"] };
  const one = await open({ schema });
  await one.send('give {"schema":"obeyed"}');
  expect(await one.ended()).toMatchObject({ text: '{"schema":"obeyed"}', structured: { schema: "obeyed" } });
  await one.send("say nothing of it");
  expect(await one.ended(2)).toMatchObject({ text: "nothing of it", structured: undefined });
});

test("A process that dies in its turn is told by its exit", async () => {
  const one = await open();
  await one.send("die");
  expect(await one.session.exited).toMatchObject({ code: 3, left: [] });
  await expect(one.send("more")).rejects.toThrow("Codex has ended (exit 3).");
  const answer = one.session.answer("0", { decision: "allow", scope: "once", text: null });
  await expect(answer).rejects.toThrow("Codex has ended");
});

test("Looking finds the version, the login and the threads of others; removing is done once", async () => {
  expect(await codex.probe()).toEqual({ version: "0.171.0", account: "ana@example.com" });
  expect(await codex.listForeign?.()).toEqual([
    { nativeId: "t2", cwd: "/a", name: "theirs", pid: null, isOpen: null, startedAt: 1000 },
  ]);
  const one = await open();
  const nativeId = one.session.nativeId ?? "";
  const task = { nativeId, cwd: tempFolder(), environment: one.task.environment };
  await expect(codex.remove?.(task)).rejects.toBeInstanceOf(SessionBusy);
  await one.session.close();
  await codex.remove?.(task);
  await codex.remove?.(task);
  const resume = { how: "resume", nativeId, continueTurn: false } as const;
  await expect(codex.open(openTask({ origin: resume }))).rejects.toBeInstanceOf(SessionMissing);
});

test("A Codex that is not there is an error that says how to install it", async () => {
  const gone = fakeCodex({ words: ["/nowhere/codex"] });
  await expect(gone.probe()).rejects.toThrow("npm install -g @openai/codex");
});
