import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import { runPlay, type Script } from "./plays.ts";

/** Line from the daemon, as docs/write-a-provider.md has them. */
type Line =
  | { type: "start"; mcp: { url: string; token: string } | null }
  | { type: "turn"; text: string }
  | { type: "steer"; id: string }
  | { type: "interrupt" }
  | { type: "answer"; ask: string; decision: string; text: string | null };

/** Time that a step of a play takes at most, in milliseconds. */
const STEP_MS = 1_500;

export function addDemoAgentCommand(program: Command): void {
  program.command("demo-agent", { hidden: true }).description("Play an agent of the demo").action(serveAgent);
}

/** Serves turns read from stdin as an agent of the demo, which plays its work, until stdin ends. */
async function serveAgent(): Promise<void> {
  const put = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const asked = new Map<string, (answer: string) => void>();
  let relay: { url: string; token: string } | null = null;
  let stop = new AbortController();
  let turns = 0;

  async function play(text: string): Promise<void> {
    stop = new AbortController();
    try {
      const said = await runPlay(scriptOf(text, ++turns));
      if (said !== null) put({ type: "done", text: said });
    } catch (error) {
      if (stop.signal.aborted) put({ type: "stopped" });
      else put({ type: "failed", error: String(error) });
    }
  }

  const scriptOf = (text: string, turn: number): Script => ({
    ...{ text, turn, relay, put },
    pause: (ms = STEP_MS) => setTimeout(ms, undefined, { signal: stop.signal }),
    ask(id, command) {
      put({ type: "ask", id, title: "Run a command", command });
      return new Promise((resolve, reject) => {
        asked.set(id, resolve);
        stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true });
      });
    },
  });

  for await (const text of console) {
    const line = JSON.parse(text) as Line;
    if (line.type === "start") {
      relay = line.mcp;
      put({ type: "ready" });
    } else if (line.type === "turn") void play(line.text);
    else if (line.type === "steer") put({ type: "steered", id: line.id });
    else if (line.type === "interrupt") stop.abort(new Error("interrupted"));
    else asked.get(line.ask)?.(line.decision === "deny" ? `denied: ${line.text ?? "no reason"}` : line.decision);
  }
}
