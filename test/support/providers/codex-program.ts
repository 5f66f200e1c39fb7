import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { scriptOf } from "./script.ts";

/**
 * A stand-in for `codex`, started as a program: `--version`, `app-server` and its help. A turn plays the lines of its input:
 * `say TEXT`, `run COMMAND`, `ask COMMAND`, `recall WORD`, `give JSON`, `edit PATH`, `question TEXT`, `form`, `wait` (for a steer or an interrupt),
 * `retry`, `fail CODE`, `limit PERCENT`, `plan`, `mcp`, `junk`, `die`. Other lines are said.
 */
const args = process.argv.slice(2);
const HOME = join(process.env.CODEX_HOME ?? process.env.HOME ?? "/nowhere", "threads");
type Json = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: a stand-in reads requests freely
type Params = any;

const send = (message: Json) => void process.stdout.write(`${JSON.stringify(message)}\n`);
const tell = (method: string, params: Json) => send({ method, params, emittedAtMs: 1 });

if (args.includes("--version")) {
  console.log("codex-cli 0.171.0");
} else if (args.includes("--help")) {
  console.log(args[0] === "app-server" ? "Usage: codex app-server [OPTIONS] [COMMAND]" : "Usage: codex [OPTIONS]");
} else serve();

interface Thread {
  id: string;
  isEphemeral: boolean;
  total: { inputTokens: number; cachedInputTokens: number; cacheWriteInputTokens: number; outputTokens: number };
  texts: string[];
  /** Number of texts at the end of each turn. */
  ends?: Record<string, number>;
}

function serve(): void {
  const open = new Map<string, Thread>();
  const answers = new Map<number, (result: Params) => void>();
  let asked = 0;
  let turn: { id: string; threadId: string; steered: string[]; wake(): unknown; isStopped: boolean } | null = null;
  const file = (id: string) => join(HOME, `${id}.json`);
  const lock = (id: string) => join(HOME, `${id}.lock`);
  const isHeld = (id: string) => {
    if (!existsSync(lock(id))) return false;
    const pid = Number(readFileSync(lock(id), "utf8"));
    return pid !== process.pid && existsSync(`/proc/${pid}`);
  };
  const refuse = (id: number, message: string) => send({ id, error: { code: -32600, message } });
  const store = (thread: Thread) => {
    if (!thread.isEphemeral) writeFileSync(file(thread.id), JSON.stringify(thread));
  };

  function opened(id: number, thread: Thread) {
    const { isEphemeral } = thread;
    open.set(thread.id, thread);
    if (!isEphemeral) {
      mkdirSync(HOME, { recursive: true });
      store(thread);
      writeFileSync(lock(thread.id), String(process.pid));
    }
    send({ id, result: { thread: { id: thread.id, ephemeral: isEphemeral }, model: "scripted" } });
  }

  function begin(id: number, method: string, params: Params) {
    if (method === "thread/start") {
      const none = { inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0 };
      writeFileSync(join(process.cwd(), "thread.json"), JSON.stringify(params));
      return opened(id, { id: crypto.randomUUID(), isEphemeral: false, total: none, texts: [] });
    }
    if (!existsSync(file(params.threadId))) return refuse(id, `no rollout found for thread id ${params.threadId}`);
    const stored: Thread = JSON.parse(readFileSync(file(params.threadId), "utf8"));
    if (method === "thread/fork") {
      const end = params.lastTurnId === undefined ? stored.texts.length : stored.ends?.[params.lastTurnId];
      if (end === undefined) return refuse(id, `turn not found: ${params.lastTurnId}`);
      const texts = stored.texts.slice(0, end);
      return opened(id, { ...stored, texts, id: crypto.randomUUID(), isEphemeral: params.ephemeral === true });
    }
    if (isHeld(params.threadId)) return refuse(id, `thread ${params.threadId} already has an active writer`);
    if (method === "thread/delete") {
      rmSync(file(params.threadId));
      return send({ id, result: {} });
    }
    opened(id, stored);
    tell("thread/tokenUsage/updated", {
      ...{ threadId: stored.id, turnId: "old" },
      tokenUsage: { total: stored.total, last: stored.total },
    });
  }

  const ask = (method: string, params: Json): Promise<Params> => {
    const id = asked++;
    send({ method, id, params });
    return new Promise((resolve) =>
      answers.set(id, (result) => {
        tell("serverRequest/resolved", { threadId: params.threadId, requestId: id });
        resolve(result);
      }),
    );
  };

  async function play(thread: Thread, input: Params, own: NonNullable<typeof turn>): Promise<void> {
    const at = { threadId: thread.id, turnId: own.id };
    const status = (type: string, ...activeFlags: string[]) =>
      tell("thread/status/changed", {
        threadId: thread.id,
        status: { type, ...(type === "active" && { activeFlags }) },
      });
    const item = (phase: string, of: Json) => tell(`item/${phase}`, { ...at, item: of });
    const received = (clientId: string, text: string) => {
      item("started", { type: "userMessage", id: `u-${clientId}`, clientId, content: [{ type: "text", text }] });
      thread.texts.push(text);
    };
    let answer = "";
    let n = 0;
    const say = (text: string) => {
      const id = `msg-${++n}`;
      item("started", { type: "agentMessage", id, text: "" });
      for (const delta of text.match(/.{1,4}/gsu) ?? []) tell("item/agentMessage/delta", { ...at, itemId: id, delta });
      item("completed", { type: "agentMessage", id, text });
      answer = text;
    };
    const end = (state: string, error: Json | null = null) => {
      turn = null;
      thread.ends = { ...thread.ends, [own.id]: thread.texts.length };
      store(thread);
      status("idle");
      const items = answer ? [{ type: "agentMessage", id: "last", text: answer }] : [];
      tell("turn/completed", {
        threadId: thread.id,
        turn: { id: own.id, items, itemsView: "summary", status: state, error, durationMs: 12 },
      });
    };
    const command = async (line: string, isAsked: boolean) => {
      const id = `call-${++n}`;
      const base = { type: "commandExecution", id, command: `/bin/bash -lc '${line}'`, cwd: process.cwd() };
      item("started", { ...base, status: "inProgress", aggregatedOutput: null, exitCode: null });
      if (isAsked) {
        status("active", "waitingOnApproval");
        const { decision } = await ask("item/commandExecution/requestApproval", {
          ...{ ...at, itemId: id, kind: "command", command: base.command, cwd: base.cwd, reason: "it is needed" },
          availableDecisions: ["accept", { acceptWithExecpolicyAmendment: { execpolicy_amendment: [line] } }, "cancel"],
        });
        status("active");
        if (decision === "decline") return item("completed", { ...base, status: "declined" });
        if (own.isStopped) return;
      }
      const child = Bun.spawn(["/bin/sh", "-c", line], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
      own.wake = () => own.isStopped && child.kill();
      const output = await new Response(child.stdout).text();
      const exitCode = await child.exited;
      tell("item/commandExecution/outputDelta", { ...at, itemId: id, delta: output });
      const state = exitCode === 0 ? "completed" : "failed";
      item("completed", { ...base, status: state, aggregatedOutput: output, exitCode });
    };
    const edit = async (path: string) => {
      const id = `call-${++n}`;
      const changes = [
        { path, kind: { type: "update", move_path: null }, diff: "@@ -1,2 +1,2 @@\n-old\n+new\n line\n" },
        { path: `${path}.new`, kind: { type: "add" }, diff: "one\ntwo\n" },
      ];
      item("started", { type: "fileChange", id, changes, status: "inProgress" });
      const { decision } = await ask("item/fileChange/requestApproval", { ...at, itemId: id, reason: null });
      const isMade = decision.startsWith("accept");
      item("completed", { type: "fileChange", id, changes, status: isMade ? "completed" : "declined" });
      say(decision);
    };
    const adopt = () => {
      for (const text of own.steered.splice(0)) {
        const [clientId = "", ...words] = text.split("\n");
        received(clientId, words.join("\n"));
        say(`steered: ${words.join("\n")}`);
      }
    };
    const wait = async () => {
      await new Promise<void>((wake) => {
        own.wake = wake;
        if (own.steered.length > 0 || own.isStopped) wake();
      });
      adopt();
    };

    status("active");
    tell("turn/started", { threadId: thread.id, turn: { id: own.id, status: "inProgress", items: [] } });
    received(input.clientUserMessageId, input.input[0].text);
    for (const line of scriptOf(input.input[0].text)) {
      const [word = "", ...rest] = line.split(" ");
      const text = rest.join(" ");
      if (own.isStopped) break;
      if (word !== "wait") adopt();
      if (word === "run") await command(text, false);
      else if (word === "ask") await command(text, true);
      else if (word === "recall") say(thread.texts.slice(0, -1).some((one) => one.includes(text)) ? "yes" : "no");
      else if (word === "give") say(text);
      else if (word === "edit") await edit(text);
      else if (word === "wait") await wait();
      else if (word === "question") {
        const options = [
          { label: "blue", description: "" },
          { label: "red", description: "" },
        ];
        const questions = [
          { id: "colour", header: "Colour", question: text, isOther: false, isSecret: false, options },
        ];
        say(
          JSON.stringify(await ask("item/tool/requestUserInput", { ...at, itemId: "q", questions, isBlocking: true })),
        );
      } else if (word === "form") {
        const requestedSchema = {
          type: "object",
          properties: { size: { type: "integer", title: "Size" }, sure: { type: "boolean" } },
          required: ["size"],
        };
        const form = { ...at, serverName: "shop", mode: "form", message: "Which size?", requestedSchema };
        say(JSON.stringify(await ask("mcpServer/elicitation/request", form)));
      } else if (word === "mcp") {
        const _meta = {
          codex_approval_kind: "mcp_tool_call",
          persist: ["session"],
          tool_name: "buy",
          tool_params: { a: 1 },
        };
        const form = { ...at, serverName: "shop", mode: "form", message: "Allow buy?", _meta, requestedSchema: {} };
        say(JSON.stringify(await ask("mcpServer/elicitation/request", form)));
      } else if (word === "plan")
        tell("turn/plan/updated", {
          ...at,
          plan: [
            { step: "Look", status: "completed" },
            { step: "Write", status: "inProgress" },
          ],
        });
      else if (word === "retry") {
        const error = {
          message: "Reconnecting",
          codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: 503 } },
        };
        tell("error", { ...at, error, willRetry: true });
      } else if (word === "limit") {
        const window = { usedPercent: Number(text), windowDurationMins: 300, resetsAt: 1_800_000_000 };
        const reached = window.usedPercent >= 100 ? "rate_limit_reached" : null;
        const rateLimits = { limitId: "codex", primary: window, secondary: null, rateLimitReachedType: reached };
        tell("account/rateLimits/updated", { rateLimits });
      } else if (word === "fail") {
        const error = { message: "it broke", codexErrorInfo: text, additionalDetails: null };
        tell("error", { ...at, error, willRetry: false });
        return end("failed", error);
      } else if (word === "unknown") tell("thread/somethingNew", { x: 1 });
      else if (word === "call") say(JSON.stringify(await ask("attestation/generate", at)));
      else if (word === "junk") process.stdout.write("not json\n");
      else if (word === "die") process.exit(3);
      else say(word === "say" ? text : line);
    }
    thread.total.inputTokens += 100;
    thread.total.cachedInputTokens += 60;
    thread.total.outputTokens += 10;
    tell("thread/tokenUsage/updated", { ...at, tokenUsage: { total: thread.total, last: thread.total } });
    end(own.isStopped ? "interrupted" : "completed");
  }

  function take({ id, method, params, result, error }: Params) {
    if (method === undefined) {
      answers.get(id)?.(result ?? error);
      answers.delete(id);
    } else if (method === "initialize") send({ id, result: { userAgent: "fake", codexHome: HOME } });
    else if (method === "account/read")
      send({ id, result: { account: { type: "chatgpt", email: "ana@example.com", planType: "pro" } } });
    else if (/^thread\/(start|resume|fork|delete)$/.test(method)) begin(id, method, params);
    else if (method === "thread/list") {
      const ours = { id: "t1", cwd: "/a", name: null, preview: "ours", createdAt: 1, originator: "signalbox" };
      send({ id, result: { data: [ours, { ...ours, id: "t2", preview: "theirs", originator: "codex_cli_rs" }] } });
    } else if (method === "turn/start") {
      const thread = open.get(params.threadId);
      if (!thread) return refuse(id, "thread not found");
      if (turn) {
        turn.steered.push(`${params.clientUserMessageId}\n${params.input[0].text}`);
        return send({ id, result: { turn: { id: turn.id } } });
      }
      const own = {
        id: crypto.randomUUID(),
        threadId: thread.id,
        steered: [],
        wake: () => undefined,
        isStopped: false,
      };
      turn = own;
      send({ id, result: { turn: { id: own.id, status: "inProgress", items: [] } } });
      void play(thread, params, own);
    } else if (method === "turn/steer") {
      if (!turn || turn.id !== params.expectedTurnId) return refuse(id, "no active turn to steer");
      turn.steered.push(`${params.clientUserMessageId ?? ""}\n${params.input[0].text}`);
      send({ id, result: { turnId: turn.id } });
      turn.wake();
    } else if (method === "turn/interrupt") {
      if (!turn) return refuse(id, "no active turn to interrupt");
      turn.isStopped = true;
      turn.steered = [];
      send({ id, result: {} });
      turn.wake();
      for (const [requestId, answered] of answers) {
        answers.delete(requestId);
        answered({ decision: "cancel" });
      }
    } else if (id !== undefined) refuse(id, `unknown variant ${method}`);
  }

  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => take(JSON.parse(line)));
  lines.on("close", () => {
    for (const id of open.keys()) rmSync(lock(id), { force: true });
    process.exit(0);
  });
}
