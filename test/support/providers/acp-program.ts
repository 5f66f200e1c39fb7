import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { scriptOf } from "./script.ts";

/**
 * A stand-in for agents of the Agent Client Protocol. Its first argument is a variant: `full` has every ability, `load` only loads, `mute` gives no
 * reasons,
 * `bare` has none, `login` wants one, `silent` never answers, `old` speaks another version. A prompt plays its lines: `say TEXT`,
 * `think TEXT`, `run COMMAND`, `ask COMMAND`, `recall WORD`, `edit PATH`, `tool NAME`, `form`, `tools`, `plan`, `notice TEXT`, `cost SUM`, `wait` (for a
 * steer or a cancel), `stop REASON`, `fail TEXT`, `junk`, `die`. Other lines are said.
 */
const variant = process.argv[2] ?? "full";
const HOME = join(process.env.HOME ?? "/nowhere", "sessions");
type Json = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: a stand-in reads requests freely
type Params = any;

const send = (message: Json) => void process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const refuse = (id: unknown, code: number, message: string) => send({ id, error: { code, message } });
const file = (id: string) => join(HOME, `${id}.json`);

const CAPABILITIES: Record<string, Json> = {
  full: {
    ...{ loadSession: true, mcpCapabilities: { http: true } },
    sessionCapabilities: { resume: {}, fork: {}, list: {}, delete: {}, close: {}, systemPrompt: {} },
  },
  load: { loadSession: true },
  // Its failures say nothing.
  mute: { loadSession: true, sessionCapabilities: { list: {} } },
};

const answers = new Map<number, (result: Params) => void>();
let asked = 0;
let turn: { wake(): unknown; steered: string[]; isStopped: boolean } | null = null;

function ask(method: string, params: Json): Promise<Params> {
  const id = asked++;
  send({ id, method, params });
  return new Promise((resolve) => answers.set(id, resolve));
}

/** Keeps a text of a session. @returns those before */
function remember(sessionId: string, text: string): string[] {
  const stored = JSON.parse(readFileSync(file(sessionId), "utf8"));
  const before: string[] = stored.texts ?? [];
  writeFileSync(file(sessionId), JSON.stringify({ ...stored, texts: [...before, text] }));
  return before;
}

/** Names of the tools of the MCP server that a session was given, which runs with the environment of its entry alone. */
async function toolsOf(sessionId: string): Promise<string> {
  const [{ command, args, env }] = JSON.parse(readFileSync(file(sessionId), "utf8")).params.mcpServers;
  const variables = env.map(({ name, value }: Params) => [name, value]);
  const child = Bun.spawn([command, ...args], {
    env: { PATH: process.env.PATH, ...Object.fromEntries(variables) },
    stdin: "pipe",
    stdout: "pipe",
  });
  const clientInfo = { name: "stand-in", version: "1" };
  const initialize = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
  const requests = [
    { id: 1, method: "initialize", params: initialize },
    { method: "notifications/initialized" },
    { id: 2, method: "tools/list" },
  ];
  for (const request of requests) child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...request })}\n`);
  await child.stdin.end();
  const lines = (await new Response(child.stdout).text()).trim().split("\n");
  const listed = lines.map((line) => JSON.parse(line)).find(({ id }) => id === 2);
  return listed.result.tools.map(({ name }: Params) => name).join(" ");
}

async function prompt(id: unknown, { sessionId, prompt: blocks }: Params): Promise<void> {
  const update = (of: Json) => send({ method: "session/update", params: { sessionId, update: of } });
  const chunk = (text: string, messageId: string) =>
    update({ sessionUpdate: "agent_message_chunk", messageId, content: { type: "text", text } });
  const own: NonNullable<typeof turn> = { wake: () => undefined, steered: [], isStopped: false };
  let n = 0;
  let stopReason = "end_turn";
  turn = own;
  const say = (text: string) => {
    const messageId = `m${++n}`;
    for (const part of text.match(/.{1,4}/gsu) ?? []) chunk(part, messageId);
  };
  const call = (fields: Json) => ({ toolCallId: `call-${n}`, status: "pending", ...fields });
  const permission = (toolCall: Json) =>
    ask("session/request_permission", {
      ...{ sessionId, toolCall },
      options: [
        { optionId: "yes", name: "Allow", kind: "allow_once" },
        { optionId: "always", name: "Always", kind: "allow_always" },
        { optionId: "no", name: "Reject", kind: "reject_once" },
      ],
    });
  const command = async (line: string, isAsked: boolean) => {
    const rawInput = { command: line };
    update({ sessionUpdate: "tool_call", ...call({ title: "Run it", kind: "execute", rawInput }) });
    const toolCallId = `call-${n}`;
    if (isAsked) {
      const { outcome } = await permission({ toolCallId });
      if (own.isStopped) return;
      if (outcome.optionId === "no") return update({ sessionUpdate: "tool_call_update", toolCallId, status: "failed" });
      if (outcome.optionId === "always") say("always");
    }
    const child = Bun.spawn(["/bin/sh", "-c", line], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    own.wake = () => own.isStopped && child.kill();
    const output = await new Response(child.stdout).text();
    const rawOutput = { exitCode: await child.exited, output };
    const status = rawOutput.exitCode === 0 ? "completed" : "failed";
    update({ sessionUpdate: "tool_call_update", toolCallId, status, rawOutput });
  };
  const adopt = () => {
    for (const steered of own.steered.splice(0)) say(`steered: ${steered}`);
  };
  const before = remember(sessionId, blocks[0].text);
  for (const line of scriptOf(blocks[0].text)) {
    const [word = "", ...rest] = line.split(" ");
    const text = rest.join(" ");
    if (own.isStopped) break;
    if (word !== "wait") adopt();
    n++;
    if (word === "think") update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text } });
    else if (word === "run") await command(text, false);
    else if (word === "ask") await command(text, true);
    else if (word === "recall") say(before.some((one) => one.includes(text)) ? "yes" : "no");
    else if (word === "edit") {
      const content = [{ type: "diff", path: text, oldText: "a\nold\nb\n", newText: "a\nnew\nnewer\nb\n" }];
      const toolCall = call({ title: `Edit ${text}`, kind: "edit", content });
      const { outcome } = await permission(toolCall);
      update({ sessionUpdate: "tool_call", ...toolCall });
      const status = outcome.optionId === "no" ? "failed" : "completed";
      update({ sessionUpdate: "tool_call_update", toolCallId: `call-${n}`, status });
    } else if (word === "tool") await permission(call({ title: `Use ${text}`, name: text, rawInput: { b: 2, a: 1 } }));
    else if (word === "form") {
      const requestedSchema = {
        type: "object",
        properties: { size: { type: "string", enum: ["small", "large"] } },
        required: ["size"],
      };
      say(
        JSON.stringify(
          await ask("elicitation/create", { sessionId, mode: "form", message: "Which?", requestedSchema }),
        ),
      );
    } else if (word === "tools") say(await toolsOf(sessionId));
    else if (word === "plan") {
      const entries = [
        { content: "Look", priority: "high", status: "completed" },
        { content: "Write", priority: "high", status: "in_progress" },
      ];
      update({ sessionUpdate: "plan", entries });
    } else if (word === "notice") update({ sessionUpdate: "notice", severity: "info", title: text });
    else if (word === "cost")
      update({ sessionUpdate: "usage_update", used: 1, size: 2, cost: { amount: Number(text), currency: "USD" } });
    else if (word === "file") say(JSON.stringify(await ask("fs/read_text_file", { sessionId, path: "/etc/passwd" })));
    else if (word === "strange") update({ sessionUpdate: "something_new", x: 1 });
    else if (word === "wait") {
      await new Promise<void>((wake) => {
        own.wake = wake;
        if (own.steered.length > 0 || own.isStopped) wake();
      });
      adopt();
    } else if (word === "stop") stopReason = text;
    else if (word === "fail") {
      turn = null;
      return refuse(id, -32_603, text);
    } else if (word === "junk") process.stdout.write("Welcome!\n{broken\n");
    else if (word === "die") process.exit(3);
    else say(word === "say" ? text : line);
  }
  turn = null;
  const usage = { totalTokens: 15, inputTokens: 10, outputTokens: 5, cachedReadTokens: 3 };
  send({ id, result: { stopReason: own.isStopped ? "cancelled" : stopReason, ...(variant === "full" && { usage }) } });
}

function open(id: unknown, method: string, params: Params): unknown {
  mkdirSync(HOME, { recursive: true });
  const isNew = method === "session/new";
  if (!isNew && !existsSync(file(params.sessionId))) {
    return variant === "mute" ? refuse(id, -32_603, "Internal error") : refuse(id, -32_002, "Resource not found");
  }
  if (method === "session/delete") {
    rmSync(file(params.sessionId));
    return send({ id, result: {} });
  }
  if (method === "session/load") {
    const content = { type: "text", text: "of the past" };
    const update = { sessionUpdate: "agent_message_chunk", content };
    send({ method: "session/update", params: { sessionId: params.sessionId, update } });
  }
  const isKept = method === "session/load" || method === "session/resume";
  const sessionId = isKept ? params.sessionId : crypto.randomUUID();
  const texts = isNew ? [] : (JSON.parse(readFileSync(file(params.sessionId), "utf8")).texts ?? []);
  writeFileSync(file(sessionId), JSON.stringify({ method, params, texts }));
  const options = [
    { value: "big", name: "Big" },
    { value: "small", name: "Small" },
  ];
  const model = { id: "model", name: "Model", category: "model", type: "select", currentValue: "big", options };
  return send({ id, result: isKept ? {} : { sessionId, configOptions: [model] } });
}

function take({ id, method, params, result, error }: Params): unknown {
  if (method === undefined) {
    answers.get(id)?.(result ?? { error });
    return answers.delete(id);
  }
  if (variant === "silent") return undefined;
  switch (method) {
    case "initialize": {
      const steering = variant === "full" && { _meta: { steering: { supported: true } } };
      const agentInfo = { name: "stand-in", version: "9.8.7" };
      const agentCapabilities = CAPABILITIES[variant] ?? {};
      return send({
        id,
        result: { protocolVersion: variant === "old" ? 0 : 1, agentInfo, agentCapabilities, ...steering },
      });
    }
    case "session/prompt":
      return prompt(id, params);
    case "session/cancel":
      if (turn) turn.isStopped = true;
      return turn?.wake();
    case "_session/steering":
      if (!turn) return send({ id, result: { outcome: "promptRequired", reason: "noRunningTurn" } });
      turn.steered.push(params.prompt[0].text);
      send({ id, result: { outcome: "injected" } });
      return turn.wake();
    case "session/list":
      return send({ id, result: { sessions: [{ sessionId: "s1", cwd: "/a", title: "theirs" }] } });
    case "session/set_config_option":
      writeFileSync(join(process.cwd(), "model.json"), JSON.stringify(params));
      return send({ id, result: { configOptions: [] } });
    case "authenticate":
      return send({ id, result: {} });
    default:
      if (variant === "login") return refuse(id, -32_000, "Authentication required");
      if (/^session\/(new|load|resume|fork|delete)$/.test(method)) return open(id, method, params);
      return id !== undefined && refuse(id, -32_601, `Method not found: ${method}`);
  }
}

if (variant === "full") console.log("Stand-in 9.8.7 starts");
createInterface({ input: process.stdin })
  .on("line", (line) => void take(JSON.parse(line)))
  .on("close", () => process.exit(0));
