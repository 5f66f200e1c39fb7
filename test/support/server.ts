import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE, RELAY } from "./program.ts";
import { atEnd, tempFolder } from "./relay.ts";

/** The server program in its own process, on a free port of loopback. */
export interface TestServer {
  url: string;
  dataDir: string;
  operatorToken: string;
  pid: number;
  /** Output so far, log lines and all. */
  output(): string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end; answers the exit code. */
  stop(): Promise<number>;
}

export async function startServer(
  options: { dataDir?: string; port?: number; token?: string; env?: Record<string, string> } = {},
): Promise<TestServer> {
  const dataDir = options.dataDir ?? tempFolder();
  const child = Bun.spawn([...RELAY], {
    env: {
      PATH: process.env.PATH ?? "",
      SIGNALBOX_DATA_DIR: dataDir,
      SIGNALBOX_PORT: String(options.port ?? 0),
      SIGNALBOX_RATE_LIMIT: "0",
      ...ENGINE,
      ...(options.token ? { SIGNALBOX_TOKEN: options.token } : {}),
      ...options.env,
    },
    stdout: "pipe",
    stderr: "inherit",
  });
  const written: string[] = [];
  const url = await firstUrl(child.stdout, written);
  const ended = () => child.exited;
  atEnd(async () => {
    child.kill("SIGKILL");
    await ended();
  });
  return {
    url,
    dataDir,
    operatorToken: options.token ?? readFileSync(join(dataDir, "operator.token"), "utf8").trim(),
    pid: child.pid,
    output: () => written.join(""),
    async kill() {
      child.kill("SIGKILL");
      await ended();
    },
    async stop() {
      child.kill("SIGTERM");
      return ended();
    },
  };
}

/** A start that is expected to be refused: how it ended, and what it said. */
export async function refusedStart(env: Record<string, string>): Promise<{ code: number; said: string }> {
  const child = Bun.spawn([...RELAY], {
    env: { PATH: process.env.PATH ?? "", SIGNALBOX_PORT: "0", ...ENGINE, ...env },
    stdout: "ignore",
    stderr: "pipe",
  });
  atEnd(async () => child.kill("SIGKILL"));
  return { code: await child.exited, said: await new Response(child.stderr).text() };
}

/** Reads the first line that says where it listens; all of the output goes into `written`. */
export async function firstUrl(stdout: ReadableStream<Uint8Array>, written: string[]): Promise<string> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the server ended before it listened: ${text}`);
    text += decoder.decode(value, { stream: true });
    written.splice(0, written.length, text);
    const line = text.split("\n").find((candidate) => candidate.includes('"url"') && candidate.endsWith("}"));
    if (!line) continue;
    void (async () => {
      for (let more = await reader.read(); !more.done; more = await reader.read())
        written.push(decoder.decode(more.value, { stream: true }));
    })();
    return (JSON.parse(line) as { url: string }).url;
  }
}
