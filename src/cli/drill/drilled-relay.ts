import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUN_FLAGS } from "../own.ts";

const MAIN = join(import.meta.dir, "../../main.ts");

// biome-ignore lint/suspicious/noExplicitAny: the drill looks into answers freely
export type Json = any;

/** The relay under the drill: killed and started again over the same files, on the same port. */
export interface DrilledRelay {
  url(): string;
  token(): string;
  start(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** A request; network failures and 5xx are tried again until an answer comes or the drill is over. */
  ask(method: string, path: string, body?: unknown, as?: string): Promise<{ status: number; body: Json }>;
  over: boolean;
}

export function createDrilledRelay(dataDir: string): DrilledRelay {
  let child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
  let url = "";
  let token = "";
  const relay: DrilledRelay = {
    over: false,
    url: () => url,
    token: () => token,
    async start() {
      child = Bun.spawn([process.execPath, ...BUN_FLAGS, MAIN], {
        env: {
          PATH: process.env.PATH ?? "",
          SIGNALBOX_DATA_DIR: dataDir,
          SIGNALBOX_PORT: url ? new URL(url).port : "0",
          SIGNALBOX_RATE_LIMIT: "0",
          SIGNALBOX_LOOP_LIMIT: "0",
          SIGNALBOX_THREAD_RATE: "0",
        },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      });
      url = await listeningAt(child.stdout);
      token = readFileSync(join(dataDir, "operator.token"), "utf8").trim();
    },
    async kill() {
      child?.kill("SIGKILL");
      await child?.exited;
    },
    async ask(method, path, body, as = token) {
      for (;;) {
        try {
          const init: RequestInit = {
            method,
            headers: { authorization: `Bearer ${as}`, "content-type": "application/json" },
          };
          if (body !== undefined) init.body = JSON.stringify(body);
          const response = await fetch(`${url}${path}`, init);
          const text = await response.text();
          if (response.status < 500) return { status: response.status, body: text ? JSON.parse(text) : undefined };
        } catch {
          // The relay is down, or died before the whole answer was here.
        }
        if (relay.over) throw new Error(`the drill is over and ${method} ${path} was never answered`);
        await Bun.sleep(20);
      }
    },
  };
  return relay;
}

async function listeningAt(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the relay ended before it listened: ${text}`);
    text += decoder.decode(value, { stream: true });
    const line = text.split("\n").find((candidate) => candidate.includes('"url"') && candidate.endsWith("}"));
    if (!line) continue;
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return (JSON.parse(line) as { url: string }).url;
  }
}
