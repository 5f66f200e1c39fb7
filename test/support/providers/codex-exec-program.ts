import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A stand-in for an old `codex`, which has `exec --json` and no app-server. A turn plays the lines of its input: `say TEXT`,
 * `run COMMAND`, `recall WORD`, `give JSON`, `fail TEXT`, `die`. Other lines are said.
 */
const args = process.argv.slice(2);
const tell = (line: object) => console.log(JSON.stringify(line));

if (args.includes("--version")) console.log("codex-cli 0.60.0");
else if (args[0] === "exec" && args.includes("--help")) console.log("Usage: codex exec [OPTIONS]\n  --json");
else if (args.includes("--help")) console.log("Usage: codex [OPTIONS] [PROMPT]");
else await turn();

async function turn(): Promise<void> {
  const folder = join(process.env.CODEX_HOME ?? "", "sessions/2026/11/28");
  const fileOf = (id: string) => join(folder, `rollout-2026-11-28T10-00-00-${id}.jsonl`);
  const of = (word: string) => (args.includes(word) ? args[args.indexOf(word) + 1] : undefined);
  const id = of("resume") ?? crypto.randomUUID();
  const before = of("resume") ?? of("fork");
  const texts: string[] = before && existsSync(fileOf(before)) ? JSON.parse(readFileSync(fileOf(before), "utf8")) : [];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(process.cwd(), "words.json"), JSON.stringify(args));
  const input = await Bun.stdin.text();
  writeFileSync(fileOf(id), JSON.stringify([...texts, input]));
  tell({ type: "thread.started", thread_id: id });
  tell({ type: "turn.started" });
  let n = 0;
  const say = (text: string) => tell({ type: "item.completed", item: { id: `i${++n}`, type: "agent_message", text } });
  for (const line of input.split("\n")) {
    const [word = "", ...rest] = line.split(" ");
    const text = rest.join(" ");
    if (word === "run") await run(`i${++n}`, text);
    else if (word === "recall") say(texts.some((one) => one.includes(text)) ? "yes" : "no");
    else if (word === "fail") {
      tell({ type: "turn.failed", error: { message: text || "overloaded" } });
      process.exit(1);
    } else if (word === "die") {
      console.error("it broke");
      process.exit(4);
    } else say(word === "say" || word === "give" ? text : line);
  }
  const turns = texts.length + 1;
  const usage = { input_tokens: 9 * turns, cached_input_tokens: 4 * turns, output_tokens: turns };
  tell({ type: "turn.completed", usage });
}

async function run(id: string, command: string): Promise<void> {
  const item = { id, type: "command_execution", command };
  tell({ type: "item.started", item: { ...item, status: "in_progress" } });
  const child = Bun.spawn(["/bin/sh", "-c", command], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  const exit_code = await child.exited;
  tell({ type: "item.completed", item: { ...item, aggregated_output: output, exit_code } });
}
