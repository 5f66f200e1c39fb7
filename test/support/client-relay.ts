import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { systemTiming } from "../../src/client/timing.ts";
import { tempFolder } from "./cli-harness.ts";
import { ENGINE, RELAY } from "./program.ts";

export interface Relay {
  url: string;
  port: string;
  dataDir: string;
  /** The operator's. */
  token: string;
  /** Ends the process: SIGTERM, or without warning. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** The server program in a process of its own. With `port` and `dataDir` of an earlier one it is that relay, started again. */
export async function startRelay(dataDir: string, port = "0", more: Record<string, string> = {}): Promise<Relay> {
  const child = Bun.spawn([...RELAY], {
    env: {
      PATH: process.env.PATH,
      SIGNALBOX_DATA_DIR: dataDir,
      SIGNALBOX_PORT: port,
      SIGNALBOX_LOG_LEVEL: "info",
      ...ENGINE,
      ...more,
    },
    stdout: "pipe",
    stderr: "inherit",
  });
  const url = await addressOf(child.stdout);
  return {
    url,
    port: new URL(url).port,
    dataDir,
    token: readFileSync(join(dataDir, "operator.token"), "utf8").trim(),
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      await child.exited;
    },
  };
}

/** The first line that names a `url` says where it listens; the rest is read on, so that the program can go on writing. */
async function addressOf(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  const reader = stdout.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the relay did not start: ${text}`);
    text += decoder.decode(value, { stream: true });
    const url = text.split("\n").slice(0, -1).map(urlIn).find(Boolean);
    if (!url) continue;
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return url;
  }
}

function urlIn(line: string): string | undefined {
  try {
    return JSON.parse(line).url;
  } catch {
    return undefined;
  }
}

/** A relay in a fresh folder, for one test file. */
export async function freshRelay(env: Record<string, string> = {}): Promise<Relay & { remove(): Promise<void> }> {
  const folder = tempFolder();
  const relay = await startRelay(folder.path, "0", env);
  return {
    ...relay,
    async remove() {
      await relay.stop();
      folder.remove();
    },
  };
}

/** Every wait between two tries, without jitter. */
const WAITS = new Set([187.5, 375, 750, 1500, 3000, 6000, 12_000, 22_500]);

/** The system's time, but that waits between tries are short. */
export const hastyTiming = {
  ...systemTiming,
  random: () => 0,
  sleep: (ms: number, signal?: AbortSignal) => systemTiming.sleep(WAITS.has(ms) ? 20 : ms, signal),
};

export const operatorOf = ({ url, token }: Relay) => createClient({ url, token });

/** A registered agent, and its client. */
export async function agentOf(relay: Relay, id: string, fields: object = {}, instanceId?: string) {
  const operator = operatorOf(relay);
  const { token } = await operator.tokens.create({ role: "agent", agentId: id });
  const client = createClient({ url: relay.url, token, agentId: id, instanceId, timing: hastyTiming });
  await client.agents.register(id, { name: id, ...fields });
  return client;
}
