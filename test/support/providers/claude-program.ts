import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { scriptOf } from "./script.ts";

/**
 * A stand-in for `claude`, started as a program. A turn plays the lines of its input: `say TEXT`, `run COMMAND` (in a session of
 * its own, as the CLI does), `ask COMMAND`, `question TEXT`, `edit PATH`, `delegate AGENT TEXT` (by the
 * relay's tools, and says what came of it), `recall WORD`, `give JSON` (a structured answer), `fail`,
 * `limit` (with a path: once), `window PART` (that is used), `retry`, `junk`, `long`, `split`, `lose` (a result), `nothing`, `torn`, `die`. Other
 * lines are passed over.
 */
const args = process.argv.slice(2);
const env = process.env;
const HOME = join(env.HOME ?? "/nowhere", ".claude", "projects", process.cwd().replaceAll("/", "-"));
type Json = Record<string, unknown>;
interface Given {
  uuid: string;
  text: string;
  isLater: boolean;
}

const values = (flag: string) =>
  args.filter((word) => word.startsWith(`--${flag}=`)).map((word) => word.slice(flag.length + 3));
const value = (flag: string): string | undefined => values(flag)[0];
const fail = (text: string): never => {
  console.error(text);
  process.exit(1);
};
const transcript = (id: string) => join(HOME, `${id}.jsonl`);

if (args.includes("--version")) console.log("2.1.332 (Claude Code)");
else if (args[0] === "auth") console.log(JSON.stringify({ loggedIn: true, email: "ann@example.org" }));
else if (args[0] === "agents") console.log(env.FAKE_AGENTS ?? "[]");
else serve();

function serve(): void {
  const isOld = env.FAKE_OLD !== undefined;
  if (isOld && args.includes("--await-initialize")) fail("error: unknown option '--await-initialize'");
  if (!args.includes("--verbose")) fail("Error: --output-format=stream-json requires --verbose");
  const resumed = value("resume");
  const id = value("session-id") ?? resumed ?? "";
  if (!/^[0-9a-f-]{36}$/.test(id)) fail("Error: Invalid session ID. Must be a valid UUID.");
  const isKept = !args.includes("--no-session-persistence");
  if (resumed && !existsSync(transcript(resumed))) {
    const result = { type: "result", subtype: "error_during_execution", is_error: true, num_turns: 0, result_index: 0 };
    console.log(JSON.stringify({ ...result, errors: [`No conversation found with session ID: ${resumed}`] }));
    fail(`No conversation found with session ID: ${resumed}`);
  }
  if (!resumed && existsSync(transcript(id))) fail(`Error: Session ID ${id} is already in use.`);
  const said: Entry[] = resumed ? JSON.parse(readFileSync(transcript(resumed), "utf8")) : [];
  const at = value("resume-session-at");
  const end = at === undefined ? said.length : said.findIndex(({ mark }) => mark === at) + 1;
  if (at !== undefined && end === 0) fail(`No message found with message.uuid of: ${at}`);
  session(id, said.slice(0, end), isKept, isOld);
}

/** One turn. `mark`: its last message. */
interface Entry {
  uuid: string;
  text: string;
  isOver: boolean;
  mark?: string;
}

/** @param said texts of the session's turns */
function session(id: string, said: Entry[], isKept: boolean, isOld: boolean) {
  const send = (line: Json) => void process.stdout.write(`${JSON.stringify({ ...line, session_id: id })}\n`);
  const system = (subtype: string, more: Json = {}) => send({ type: "system", subtype, ...more });
  const queue: Given[] = [];
  const permissions = new Map<string, (answer: Json) => void>();
  let schema: unknown;
  let relay: { url: string; headers: Record<string, string> } | undefined;
  let running: { uuids: string[]; steered: Given[]; stop(): void; isStopped: boolean } | null = null;
  let results = 0;
  let cost = said.length * 0.01;
  let tokens = said.length * 10;
  let isEnding = false;
  const store = () => {
    if (!isKept) return;
    mkdirSync(HOME, { recursive: true });
    writeFileSync(transcript(id), JSON.stringify(said));
  };
  const state = (now: string) => {
    if (env.CLAUDE_CODE_SDK_READS_SESSION_STATE && !isOld) system("session_state_changed", { state: now });
  };
  const receipt = (uuid: string, now: string) => {
    if (!isOld) send({ type: "command_lifecycle", command_uuid: uuid, state: now });
  };
  const words = (text: string) => {
    send({ type: "stream_event", event: { type: "message_start" } });
    send({ type: "stream_event", event: { type: "content_block_start", content_block: { type: "text", text: "" } } });
    for (const part of text.match(/.{1,8}/gs) ?? [])
      send({ type: "stream_event", event: { type: "content_block_delta", delta: { type: "text_delta", text: part } } });
    const uuid = crypto.randomUUID();
    Object.assign(said.at(-1) ?? {}, { mark: uuid });
    send({ type: "assistant", uuid, message: { content: [{ type: "text", text }] } });
    send({ type: "stream_event", event: { type: "message_stop" } });
  };

  async function next(): Promise<void> {
    const given = running ? undefined : queue.shift();
    if (!given) return void (isEnding && !running && process.exit(0));
    state("running");
    receipt(given.uuid, "started");
    const stopped = Promise.withResolvers<void>();
    const turn = { uuids: [given.uuid], steered: [] as Given[], stop: stopped.resolve, isStopped: false };
    running = turn;
    const capabilities = isOld ? [] : ["msg_lifecycle_v1", "interrupt_cancel_queued_v1"];
    system("init", { capabilities, ...(!isOld && { user_message_uuids: [given.uuid] }) });
    const entry: Entry = { uuid: given.uuid, text: given.text, isOver: false };
    const earlier = said.map(({ text }) => text).join("\n");
    said.push(entry);
    store();
    const end: Json = { subtype: "success", is_error: false, num_turns: 1, result: "" };
    // After a limit it is told to go on with the turn before.
    const asked = given.text.includes("Go on with what you were asked for.") ? said.at(-2)?.text : undefined;
    for (const line of scriptOf(asked ?? given.text)) {
      await Promise.race([step(line, end, earlier, turn), stopped.promise]);
      if (turn.isStopped || end.is_error) break;
      for (const one of turn.steered.splice(0)) {
        receipt(one.uuid, "started");
        turn.uuids.push(one.uuid);
        for (const steered of scriptOf(one.text)) await step(steered, end, earlier, turn);
      }
    }
    entry.isOver = true;
    store();
    over(turn, end);
  }

  function over(turn: NonNullable<typeof running>, end: Json): void {
    if (turn.isStopped) {
      for (const [request, answer] of permissions) {
        send({ type: "control_cancel_request", request_id: request });
        answer({ behavior: "deny" });
      }
      Object.assign(end, { subtype: "error_during_execution", is_error: true, terminal_reason: "aborted_streaming" });
    }
    if (end.num_turns !== 0) {
      cost += 0.01;
      tokens += 10;
    }
    queue.unshift(...turn.steered);
    const models = { inputTokens: tokens, outputTokens: tokens / 2, costUSD: cost };
    const since = end.num_turns === 0 ? {} : { scripted: { inputTokens: 10, outputTokens: 5, costUSD: 0.01 } };
    send({
      ...{ type: "result", duration_ms: 5, total_cost_usd: cost, result_index: results++ },
      ...{ modelUsage: { scripted: models }, ...(!isOld && { model_usage_since_last_result: since }) },
      ...{ usage: { input_tokens: 10, output_tokens: 5 }, queued_turn_count: queue.length },
      ...(!isOld && { user_message_uuids: turn.uuids }),
      ...end,
    });
    for (const uuid of turn.uuids) receipt(uuid, end.is_error ? "cancelled" : "completed");
    running = null;
    if (queue.length === 0) state("idle");
    void next();
  }

  async function step(line: string, end: Json, earlier: string, turn: NonNullable<typeof running>): Promise<void> {
    const [, word = "", rest = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
    if (word === "say") {
      words(rest);
      end.result = rest;
    } else if (word === "recall") {
      end.result = earlier.includes(rest) ? "yes" : "no";
      words(String(end.result));
    } else if (word === "run") await run(rest);
    else if (word === "ask") await asked("Bash", { command: rest }, () => run(rest));
    else if (word === "edit") await asked("Write", { file_path: rest, content: "hello\n" }, () => edit(rest));
    else if (word === "question") {
      const questions = [{ question: rest, header: "Q", options: [{ label: "Red" }, { label: "Blue" }] }];
      await asked("AskUserQuestion", { questions }, async (input) => {
        end.result = Object.values((input.answers ?? {}) as Json).join();
        words(String(end.result));
      });
    } else if (word === "delegate") {
      end.result = await delegate(rest);
      words(String(end.result));
    } else if (word === "give" && schema) end.structured_output = JSON.parse(rest);
    else if (word === "limit" && rest !== "" && existsSync(rest)) return;
    else if (word === "fail" || word === "limit") {
      if (rest !== "") writeFileSync(rest, "");
      const status = word === "limit" ? 429 : 500;
      if (word === "limit") {
        const info = { status: "rejected", resetsAt: 4_000_000_000, rateLimitType: "five_hour", utilization: 1 };
        send({ type: "rate_limit_event", rate_limit_info: info });
      }
      const result = `API Error: ${status}`;
      send({ type: "assistant", error: "server_error", message: { content: [{ type: "text", text: result }] } });
      Object.assign(end, { is_error: true, api_error_status: status, terminal_reason: "api_error", result });
    } else if (word === "window") {
      const window = { utilization: Number(rest), resetsAt: 4_000_000_000 };
      const info = { status: "allowed", rateLimitType: "five_hour", unifiedWindows: { seven_day: window } };
      send({ type: "rate_limit_event", rate_limit_info: info });
    } else if (word === "retry")
      system("api_retry", { attempt: 1, max_retries: 10, retry_delay_ms: 500, error_status: 529, error: "overloaded" });
    else if (word === "junk") process.stdout.write("\u001b[33mwarning\u001b[0m: old node\n{broken\n");
    else if (word === "long") words("x".repeat(200_000));
    else if (word === "split") await split();
    else if (word === "lose") results++;
    else if (word === "nothing") end.num_turns = 0;
    else if (word === "torn") send({ type: "session_writes_lost", error_code: "ENOSPC" });
    else if (word === "hold") await new Promise(() => undefined);
    else if (word === "die") process.exit(7);
    void turn;
  }

  /** A character in two writes. */
  async function split(): Promise<void> {
    const text = JSON.stringify({ type: "assistant", message: { content: [{ type: "text", text: "für 🦊" }] } });
    const bytes = Buffer.from(`${text}\n`);
    const half = bytes.indexOf(Buffer.from("🦊")) + 2;
    process.stdout.write(bytes.subarray(0, half));
    await Bun.sleep(20);
    process.stdout.write(bytes.subarray(half));
  }

  let calls = 0;
  const tool = (name: string, input: Json): string => {
    const tool_use_id = `toolu_${++calls}`;
    send({ type: "assistant", message: { content: [{ type: "tool_use", id: tool_use_id, name, input }] } });
    return tool_use_id;
  };
  const toolResult = (tool_use_id: string, content: string, is_error: boolean, more: Json = {}) =>
    send({ type: "user", message: { content: [{ type: "tool_result", tool_use_id, content, is_error }] }, ...more });

  async function run(command: string): Promise<void> {
    const call = tool("Bash", { command });
    const child = spawn("/bin/sh", ["-c", command], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    await Bun.sleep(1);
    toolResult(call, code === 0 ? output : `Exit code ${code}\n${output}`, code !== 0);
  }

  /** Asks another agent by the relay's own tools, and waits for its answer. */
  async function delegate(rest: string): Promise<string> {
    const [, to = "", text = ""] = /^(\S+) (.*)$/.exec(rest) ?? [];
    const call = tool("mcp__signalbox__delegate", { to, text });
    const ask = async (path: string, body?: Json) => {
      const headers = { ...relay?.headers, "content-type": "application/json" };
      const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
      const answered = await fetch(`${relay?.url.replace(/\/mcp$/, "")}/v1/delegations${path}`, { ...init, headers });
      return (await answered.json()) as { id?: string; detail?: string; answer?: { text: string } | null };
    };
    let asked = await ask("", { to, text: text.replaceAll("\\n", "\n") });
    while (asked.id && !asked.answer) asked = await ask(`/${asked.id}?waitSeconds=20`);
    const said = asked.answer?.text ?? asked.detail ?? "no answer";
    toolResult(call, said, !asked.answer);
    return said;
  }

  async function edit(path: string): Promise<void> {
    writeFileSync(path, "hello\n");
    const call = tool("Write", { file_path: path });
    const change = { type: "create", filePath: path, content: "hello\n", structuredPatch: [] };
    toolResult(call, "File created", false, { tool_use_result: change });
  }

  async function asked(name: string, input: Json, done: (input: Json) => Promise<void>): Promise<void> {
    const request_id = crypto.randomUUID();
    const permission_suggestions = [
      { type: "addRules", rules: [{ toolName: name }], behavior: "allow", destination: "localSettings" },
      { type: "setMode", mode: "acceptEdits", destination: "session" },
    ];
    state("requires_action");
    const request = { subtype: "can_use_tool", tool_name: name, input, description: "", permission_suggestions };
    send({ type: "control_request", request_id, request });
    const answer = await new Promise<Json>((resolve) => permissions.set(request_id, resolve));
    permissions.delete(request_id);
    state("running");
    writeFileSync(join(process.cwd(), "answer.json"), JSON.stringify(answer));
    if (answer.behavior === "allow") await done((answer.updatedInput ?? {}) as Json);
    else toolResult(tool(name, input), String(answer.message), true);
  }

  function control(request_id: string, request: Json): void {
    const answer = (response: Json) =>
      send({ type: "control_response", response: { subtype: "success", request_id, response } });
    if (request.subtype === "initialize") {
      schema = request.jsonSchema;
      relay = (request.mcpServers as { signalbox?: typeof relay } | undefined)?.signalbox;
      writeFileSync(join(process.cwd(), "start.json"), JSON.stringify({ args, request, mcp: mcpFile() }));
      answer({ commands: [], account: { email: "ann@example.org" } });
      const last = said.at(-1);
      if (env.CLAUDE_CODE_RESUME_INTERRUPTED_TURN && last && !last.isOver) {
        said.pop();
        take(last.uuid, last.text, false);
      }
    } else if (request.subtype === "interrupt") {
      const cancelled = isOld ? undefined : queue.splice(0).map(({ uuid }) => uuid);
      for (const uuid of cancelled ?? []) receipt(uuid, "cancelled");
      answer(isOld ? {} : { still_queued: [], cancelled });
      if (running) {
        running.isStopped = true;
        running.stop();
      }
    } else answer({});
  }

  const mcpFile = () => (value("mcp-config") ? JSON.parse(readFileSync(value("mcp-config") ?? "", "utf8")) : null);

  function take(uuid: string, text: string, isLater: boolean): void {
    receipt(uuid, "queued");
    if (running && !isLater) running.steered.push({ uuid, text, isLater });
    else queue.push({ uuid, text, isLater });
    void next();
  }

  createInterface({ input: process.stdin })
    .on("line", (line) => {
      const message = JSON.parse(line);
      writeFileSync(join(process.cwd(), "last.json"), line);
      if (message.type === "control_request") control(message.request_id, message.request);
      else if (message.type === "control_response")
        permissions.get(message.response.request_id)?.(message.response.response);
      else {
        const { content } = message.message;
        const text = typeof content === "string" ? content : content[0].text;
        if (!message.client_composed && text.startsWith("/")) send({ type: "system", subtype: "status", status: text });
        else take(message.uuid, text, message.priority === "later");
      }
    })
    .on("close", () => {
      isEnding = true;
      void next();
    });
}
