import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A stand-in for an old `codex`, which has `exec --json` and no app-server. A turn says its input; one that begins with `fail` fails
 * with the rest, one with `wait` waits to be ended, one with `die` exits.
 */
const args = process.argv.slice(2);
const say = (line: object) => console.log(JSON.stringify(line));

if (args.includes("--version")) console.log("codex-cli 0.60.0");
else if (args[0] === "exec" && args.includes("--help")) console.log("Usage: codex exec [OPTIONS]\n  --json");
else if (args.includes("--help")) console.log("Usage: codex [OPTIONS] [PROMPT]");
else await turn();

async function turn(): Promise<void> {
  const at = args.indexOf("resume");
  const id = at === -1 ? crypto.randomUUID() : (args[at + 1] ?? "");
  const folder = join(process.env.CODEX_HOME ?? "", "sessions/2026/11/28");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `rollout-2026-11-28T10-00-00-${id}.jsonl`), "");
  writeFileSync(join(process.cwd(), "words.json"), JSON.stringify(args));
  const input = await Bun.stdin.text();
  say({ type: "thread.started", thread_id: id });
  say({ type: "turn.started" });
  if (input.startsWith("wait")) await new Promise(() => setInterval(() => undefined, 1000));
  if (input.startsWith("die")) {
    console.error("it broke");
    process.exit(4);
  }
  if (input.startsWith("fail")) {
    say({ type: "turn.failed", error: { message: input.slice(5) } });
    process.exit(1);
  }
  say({
    type: "item.completed",
    item: { id: "i", type: "agent_message", text: `${at === -1 ? "new" : "old"}: ${input}` },
  });
  const times = at === -1 ? 1 : 2;
  say({
    type: "turn.completed",
    usage: { input_tokens: 9 * times, cached_input_tokens: 4 * times, output_tokens: times },
  });
}
