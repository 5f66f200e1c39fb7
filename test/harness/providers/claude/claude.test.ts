import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionBusy } from "../../../../src/harness/providers/errors.ts";
import { fakeClaude } from "../../../support/providers/claude.ts";
import { markedFromOutside, startScript } from "../../../support/providers/processes.ts";
import { type HeardSession, hear, openTask } from "../../../support/providers/session.ts";
import { tempFolder } from "../../../support/relay.ts";
import { until } from "../../../support/until.ts";

/** Note that the stand-in left in the folder of its session. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into notes freely
const note = ({ task }: HeardSession, name: string): any => JSON.parse(readFileSync(join(task.cwd, name), "utf8"));
const mcp = { url: "http://127.0.0.1:9/mcp", token: "a-token" };

describe.skipIf(process.platform !== "linux")("Claude Code", () => {
  test("a text carries its origin and its id, and is never taken as a command", async () => {
    const heard = await hear(fakeClaude());
    const kinds = [
      [{ kind: "human", from: "ann" }, { kind: "human" }],
      [
        { kind: "channel", from: "telegram" },
        { kind: "channel", server: "telegram" },
      ],
      [
        { kind: "peer", from: "bob" },
        { kind: "peer", from: "bob" },
      ],
      [
        { kind: "schedule", from: "nightly" },
        { kind: "task-notification", subkind: "scheduled-trigger" },
      ],
      [
        { kind: "relay", from: "relay" },
        { kind: "peer", from: "relay" },
      ],
    ] as const;
    for (const [index, [provenance, origin]] of kinds.entries()) {
      const id = await heard.send("say hi", { provenance });
      await heard.ended(index + 1);
      expect(note(heard, "last.json")).toMatchObject({ uuid: id, origin, client_composed: true });
    }
  });

  test("an image goes with its text, and a file that is none does not", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "a.png"), "not really");
    writeFileSync(join(folder, "a.txt"), "text");
    const heard = await hear(fakeClaude());
    await heard.send("say hi", { images: ["a.png", "a.txt", "gone.png"].map((name) => join(folder, name)) });
    await heard.ended();
    const data = Buffer.from("not really").toString("base64");
    expect(note(heard, "last.json").message.content).toEqual([
      { type: "text", text: "say hi" },
      { type: "image", source: { type: "base64", media_type: "image/png", data } },
    ]);
  });

  test("a turn that ends in the same breath as the start is heard", async () => {
    const folder = tempFolder();
    const cli = join(folder, "cli.ts");
    const program = `
      process.stdin.once("data", (data) => {
        const { request_id } = JSON.parse(String(data).split("\\n")[0]);
        const answer = { type: "control_response", response: { subtype: "success", request_id, response: {} } };
        const result = { type: "result", subtype: "success", is_error: false, num_turns: 1, result: "It goes on." };
        process.stdout.write([answer, result].map((line) => JSON.stringify(line) + "\\n").join(""));
      });
    `;
    writeFileSync(cli, program);
    const heard = await hear(fakeClaude({ words: [process.execPath, cli] }));
    expect(await heard.ended()).toMatchObject({ outcome: "ok", text: "It goes on." });
  });

  test("a session begins with what the task says, and schedules nothing of its own", async () => {
    const schema = { type: "object" };
    const tools = { allow: ["Bash(git log:*)"], deny: ["WebSearch"] };
    const heard = await hear(fakeClaude(), { mcp, schema, tools, systemPrompt: "Be brief.", model: "opus" });
    const { args, request } = note(heard, "start.json");
    expect(request).toEqual({
      subtype: "initialize",
      appendSystemPrompt: "Be brief.",
      jsonSchema: schema,
      mcpServers: { signalbox: { type: "http", url: mcp.url, headers: { Authorization: "Bearer a-token" } } },
    });
    expect(args.filter((word: string) => /^--(allowed|disallowed|model|await)/.test(word))).toEqual([
      ...["--await-initialize", "--model=opus", "--allowedTools=mcp__signalbox", "--allowedTools=Bash(git log:*)"],
      "--disallowedTools=CronCreate",
      ...["--disallowedTools=CronDelete", "--disallowedTools=CronList", "--disallowedTools=ScheduleWakeup"],
      ...["--disallowedTools=RemoteTrigger", "--disallowedTools=WebSearch"],
    ]);
  });

  test("an older CLI gets its MCP servers by a private file, and one text at a time", async () => {
    const environment = { ...openTask().environment, FAKE_OLD: "1" };
    const heard = await hear(fakeClaude(), { mcp, environment });
    const { args, mcp: servers } = note(heard, "start.json");
    expect(servers.mcpServers.signalbox.headers.Authorization).toBe("Bearer a-token");
    const file = args.find((word: string) => word.startsWith("--mcp-config="))?.slice("--mcp-config=".length);
    const first = await heard.send("run true\nsay one");
    await heard.saw("turn-started");
    const second = await heard.send("say two");
    expect((await heard.steer("say three")).how).toBe("refused");
    await heard.ended(2);
    expect(heard.of("result").map(({ result }) => [result.text, result.inputIds])).toEqual([
      ["one", [first]],
      ["two", [second]],
    ]);
    expect(heard.of("usage").map(({ usage }) => usage)).toEqual(
      [1, 2].map(() => expect.objectContaining({ inputTokens: 10, outputTokens: 5, model: "scripted" })),
    );
    await heard.session.close();
    expect(await Bun.file(file).exists()).toBe(false);
  });

  test("usage after a resume does not count what came before", async () => {
    for (const isOld of [false, true]) {
      const environment = { ...openTask().environment, ...(isOld && { FAKE_OLD: "1" }) };
      const first = await hear(fakeClaude(), { environment });
      await first.send("say one");
      await first.ended();
      await first.session.close();
      const nativeId = first.session.nativeId ?? "";
      const origin = { how: "resume", nativeId, continueTurn: false } as const;
      const heard = await hear(fakeClaude(), { environment, cwd: first.task.cwd, origin });
      await heard.send("say two");
      await heard.ended();
      expect(heard.of("usage").map(({ usage }) => usage.inputTokens)).toEqual([10]);
    }
  });

  test("a question of the model is answered with words, or by an option", async () => {
    const heard = await hear(fakeClaude());
    for (const [index, [text, said]] of (
      [
        ["Green", "Green"],
        ["Blue", "Blue"],
      ] as const
    ).entries()) {
      await heard.send("question Which color?");
      const { request } = await heard.saw("ask", index + 1);
      expect(request).toMatchObject({ oneTap: true, offers: { session: false } });
      expect(request.subject).toEqual({
        type: "question",
        text: "Which color?",
        options: [
          { id: "Red", label: "Red" },
          { id: "Blue", label: "Blue" },
        ],
      });
      expect(await heard.session.answer(request.requestId, { decision: "answer", scope: "once", text })).toBe(true);
      expect((await heard.ended(index + 1)).text).toBe(said);
    }
  });

  test("a permission for the session makes rules of the session alone, never of the person's settings", async () => {
    const heard = await hear(fakeClaude());
    await heard.send("ask true");
    const { request } = await heard.saw("ask");
    expect(request.offers).toEqual({ once: true, session: true });
    await heard.session.answer(request.requestId, { decision: "allow", scope: "session", text: null });
    await heard.ended();
    expect(note(heard, "answer.json")).toEqual({
      behavior: "allow",
      updatedInput: { command: "true" },
      updatedPermissions: [
        { type: "addRules", rules: [{ toolName: "Bash" }], behavior: "allow", destination: "session" },
      ],
    });
  });

  test("G14: hidden characters of a command are spelled out, and it has no one-tap button", async () => {
    const heard = await hear(fakeClaude());
    const lines = {
      "ls \u001b]0;./evil.sh;#\u0007 -la": "ls \\u{1b}]0;./evil.sh;#\\u{7} -la",
      "ls \u001b[0;touch x": "ls \\u{1b}[0;touch x",
      "echo \u001b[8mhidden\u001b[0m \u202egnp.exe\u200b": "echo \\u{1b}[8mhidden\\u{1b}[0m \\u{202e}gnp.exe\\u{200b}",
    };
    for (const [index, [line, shown]] of Object.entries(lines).entries()) {
      await heard.send(`ask ${line}`);
      const { request } = await heard.saw("ask", index + 1);
      expect(request).toMatchObject({ subject: { line: shown }, oneTap: false });
      expect(JSON.parse(request.exact).input.command).toBe(line);
      await heard.session.answer(request.requestId, { decision: "deny", scope: "once", text: null });
      await heard.ended(index + 1);
    }
  });

  test("an edit is asked for with its lines, and told as a change of its file", async () => {
    const heard = await hear(fakeClaude());
    const path = join(heard.task.cwd, "new.txt");
    await heard.send(`edit ${path}`);
    const { request } = await heard.saw("ask");
    expect(request.subject).toEqual({ type: "edit", path, diff: "+hello" });
    await heard.session.answer(request.requestId, { decision: "allow", scope: "once", text: null });
    await heard.ended();
    expect(heard.of("diff")).toEqual([{ type: "diff", path, change: "added", added: 1, removed: 0 }]);
  });

  test("a tool tells its exit code", async () => {
    const heard = await hear(fakeClaude());
    await heard.send("run exit 3\nrun true");
    await heard.ended();
    const ends = heard.of("tool").filter(({ phase }) => phase === "result");
    expect(ends).toMatchObject([
      { isError: true, exitCode: 3 },
      { isError: false, exitCode: 0 },
    ]);
  });

  test("a limit says until when, and a retry what it waits for", async () => {
    const heard = await hear(fakeClaude());
    await heard.send("retry\nlimit");
    await heard.ended();
    expect(heard.of("retry")).toEqual([{ type: "retry", attempt: 1, inMs: 500, status: 529, error: "overloaded" }]);
    expect(heard.of("limit").map(({ limit }) => limit)).toMatchObject([
      {
        account: "ann@example.org",
        window: "five_hour",
        state: "rejected",
        until: 4_000_000_000_000,
        utilization: 100,
      },
    ]);
    expect(heard.text()).toBe("");
  });

  test("a window that is nearly used up is warned of where the CLI itself does not", async () => {
    const heard = await hear(fakeClaude());
    await heard.send("window 0.96\nwindow 0.4");
    await heard.ended();
    expect(heard.of("limit").map(({ limit }) => limit)).toMatchObject([
      { window: "seven_day", state: "warning", until: 4_000_000_000_000, utilization: 96 },
      { window: "five_hour", state: "allowed" },
    ]);
  });

  test("a lost result is counted, and one without a turn is none", async () => {
    const heard = await hear(fakeClaude());
    await heard.send("nothing");
    await until(() => heard.of("state").filter(({ state }) => state === "idle").length === 1);
    expect(heard.of("result")).toEqual([]);
    await heard.send("lose\nlose\nsay found");
    expect((await heard.ended()).text).toBe("found");
    expect(heard.of("results-lost")).toEqual([{ type: "results-lost", count: 2 }]);
  });

  test("a line that is long, split or no line at all stops nothing", async () => {
    const heard = await hear(fakeClaude());
    await heard.send("junk\nlong\nsplit\ntorn\nsay end");
    await heard.ended();
    expect(heard.of("noise").map(({ text }) => text)).toEqual(["warning: old node", "{broken"]);
    expect(heard.of("said")).toEqual([{ type: "said", text: "für 🦊" }]);
    expect(heard.text()).toContain("x".repeat(200_000));
    expect(heard.of("transcript-torn")).toEqual([{ type: "transcript-torn", reason: "ENOSPC" }]);
  });

  test("a session id that is taken is said to be busy", async () => {
    const first = await hear(fakeClaude());
    await first.send("say hi");
    await first.ended();
    const { environment, cwd } = first.task;
    const origin = { how: "new", nativeId: first.session.nativeId ?? "" } as const;
    expect(await hear(fakeClaude(), { environment, cwd, origin }).catch((error) => error)).toBeInstanceOf(SessionBusy);
  });

  test("sessions of a person are listed, and a session is removed from the disk", async () => {
    const own = await startScript("exec sleep 300");
    await until(() => markedFromOutside(own.sessionId).length === 1);
    const agents = [
      { sessionId: "s0", pid: own.contained.pid },
      { sessionId: "s1", cwd: "/work", name: "fix", pid: 12, startedAt: 1_700_000_000_000 },
      { id: "s2", startedAt: "2026-11-28T10:00:00Z" },
      { cwd: "/" },
    ];
    const environment = { PATH: process.env.PATH ?? "", FAKE_AGENTS: JSON.stringify(agents) };
    const provider = fakeClaude({ environment });
    expect(await provider.listForeign?.()).toEqual([
      { nativeId: "s1", cwd: "/work", name: "fix", pid: 12, isOpen: true, startedAt: 1_700_000_000_000 },
      { nativeId: "s2", cwd: null, name: null, pid: null, isOpen: false, startedAt: Date.UTC(2026, 10, 28, 10) },
    ]);
    const heard = await hear(provider);
    await heard.send("say hi");
    await heard.ended();
    await heard.session.close();
    const { cwd, environment: of } = heard.task;
    const nativeId = heard.session.nativeId ?? "";
    const file = join(of.HOME ?? "", ".claude/projects", cwd.replaceAll("/", "-"), `${nativeId}.jsonl`);
    expect(existsSync(file)).toBe(true);
    await provider.remove?.({ nativeId: "../../x", cwd, environment: of });
    await provider.remove?.({ nativeId, cwd, environment: of });
    expect(existsSync(file)).toBe(false);
  });

  test("a CLI that is not installed is said to be missing, with the way to get it", async () => {
    const provider = fakeClaude({ words: ["no-such-claude"], environment: { PATH: "/nowhere" } });
    expect(provider.probe()).rejects.toThrow("npm install -g @anthropic-ai/claude-code");
    expect(hear(provider)).rejects.toThrow("no-such-claude cannot be found.");
    expect((await fakeClaude().probe()).account).toBe("ann@example.org");
  });

  test("a start that is called off ends its process", async () => {
    const stop = new AbortController();
    const opening = hear(fakeClaude({ words: ["/bin/sh", "-c", "exec sleep 300"] }), { signal: stop.signal });
    stop.abort(new Error("called off"));
    expect(await opening.catch(String)).toBe("Error: called off");
  });
});
