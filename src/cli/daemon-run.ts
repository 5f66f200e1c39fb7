import { fstatSync } from "node:fs";
import { runDaemon } from "../daemon/main.ts";
import { EXIT } from "./exit.ts";
import { ownCommand } from "./own.ts";
import { safeLine } from "./screen.ts";
import { untilStopped } from "./stopped.ts";

/** Whether the journal of systemd reads stderr, and adds times of its own: JOURNAL_STREAM of systemd.exec(5). */
function hasTimes(): boolean {
  const { dev, ino } = fstatSync(2);
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`;
}

/** Runs the daemon of a configuration until Ctrl-C. The configuration names the relay, not the folder or the flags. */
export async function runHere(configPath: string | undefined): Promise<void> {
  const time = hasTimes() ? () => "" : () => `${new Date().toISOString()} `;
  const log = (sentence: string, facts?: Record<string, unknown>): void =>
    void process.stderr.write(`${time()}${safeLine(facts ? `${sentence} ${JSON.stringify(facts)}` : sentence)}\n`);
  const bridge = ownCommand("mcp-bridge");
  await runDaemon({ configPath, environment: process.env, bridge, log, stop: untilStopped() });
  // Pipes of a CLI that was killed amid a write may keep the process alive, and a stop waits for its end.
  process.exit(EXIT.ok);
}
