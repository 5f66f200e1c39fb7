import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LineToAgent } from "../../../src/harness/providers/command/lines.ts";

/**
 * An agent of an operator, with all abilities that docs/write-a-provider.md has. A turn plays the lines of its input: `say TEXT`,
 * `run COMMAND`, `ask COMMAND`, `question TEXT`, `recall WORD`, `give JSON`, `fail`, `limit`, `junk`, `die`.
 */
const home = process.env.HOME ?? "/nowhere";
const file = (session: string) => join(home, `${session}.json`);
const send = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const answers = new Map<string, (line: { decision: string; text: string | null }) => void>();
let session = "";
let isKept = true;
let said: string[] = [];
let turn: { steered: { id: string; text: string }[]; stop(): void; isStopped: boolean } | null = null;
let calls = 0;

function start(line: Extract<LineToAgent, { type: "start" }>): void {
  session = line.session;
  isKept = line.ephemeral !== true;
  const from = line.how === "new" ? null : file(line.how === "fork" ? (line.of ?? "") : session);
  const isMissing = from !== null && !existsSync(from);
  if (from && !isMissing) said = JSON.parse(readFileSync(from, "utf8"));
  send({ type: isMissing ? "missing" : "ready" });
}

async function play(text: string): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const own = { steered: [] as { id: string; text: string }[], stop: stopped.resolve, isStopped: false };
  turn = own;
  const earlier = said.join("\n");
  said.push(text);
  if (isKept) writeFileSync(file(session), JSON.stringify(said));
  const end: Record<string, unknown> = { type: "done" };
  for (const line of text.split("\n")) {
    await Promise.race([step(line, earlier, end), stopped.promise]);
    if (own.isStopped) break;
    for (const one of own.steered.splice(0)) {
      send({ type: "steered", id: one.id });
      for (const steered of one.text.split("\n")) await step(steered, earlier, end);
    }
  }
  send({ type: "usage", inputTokens: 10, outputTokens: 5, costUsd: 0.01, model: "scripted" });
  turn = null;
  send(own.isStopped ? { type: "stopped" } : end);
}

async function step(line: string, earlier: string, end: Record<string, unknown>): Promise<void> {
  const [, word = "", rest = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
  const say = (text: string) => {
    send({ type: "say", text });
    end.text = text;
  };
  if (word === "say") say(rest);
  else if (word === "recall") say(earlier.includes(rest) ? "yes" : "no");
  else if (word === "run") await run(rest);
  else if (word === "ask") {
    const { decision } = await ask({ command: rest });
    if (decision === "allow") await run(rest);
  } else if (word === "question") say((await ask({ question: rest, options: ["Red", "Blue"] })).text ?? "");
  else if (word === "give") end.value = JSON.parse(rest);
  else if (word === "fail") Object.assign(end, { type: "failed", error: "The provider is down." });
  else if (word === "limit") {
    send({ type: "limit", window: "day", until: 4_000_000_000_000 });
    Object.assign(end, { type: "failed", error: "No more today.", limited: true });
  } else if (word === "junk") process.stdout.write('Loading...\n{"type":"sing"}\n{"type":"say"}\n');
  else if (word === "die") process.exit(7);
}

function ask(what: object): Promise<{ decision: string; text: string | null }> {
  const id = `ask-${++calls}`;
  send({ type: "ask", id, ...what });
  return new Promise((resolve) => answers.set(id, resolve));
}

async function run(command: string): Promise<void> {
  const id = `tool-${++calls}`;
  send({ type: "tool", id, name: "shell", args: { command } });
  const child = spawn("/bin/sh", ["-c", command], { detached: true, stdio: "ignore" });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  send({ type: "tool-result", id, result: `exit ${code}`, error: code !== 0 });
}

createInterface({ input: process.stdin })
  .on("line", (text) => {
    const line: LineToAgent = JSON.parse(text);
    if (line.type === "start") start(line);
    else if (line.type === "turn") void play(line.text);
    else if (line.type === "steer") turn?.steered.push(line);
    else if (line.type === "answer") answers.get(line.ask)?.(line);
    else if (turn) {
      turn.isStopped = true;
      turn.stop();
    }
  })
  .on("close", () => {
    if (!isKept) rmSync(file(session), { force: true });
    process.exit(0);
  });
