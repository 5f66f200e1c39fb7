import { readFileSync } from "node:fs";
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const TRIES_MS = 15_000;

export interface Answer {
  status: number;
  // Whatever JSON came back; what has to be in it is checked where it is used.
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
  body: any;
}

/** The relay under the drill: a process that is killed and started again on the same folder and port. */
export interface DrilledRelay {
  readonly url: string;
  readonly operatorToken: string;
  start(): Promise<void>;
  /** SIGKILL; whoever calls from now on waits for the next start. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number>;
  /** Resolves when the relay takes calls. */
  up(): Promise<void>;
  /** One call, made once: undefined when no answer came. */
  once(method: string, path: string, token: string, body?: unknown): Promise<Answer | undefined>;
  /** The same call over and over, until an answer comes that is neither lost nor 503. */
  insist(method: string, path: string, token: string, body?: unknown): Promise<Answer>;
}

export function createRelay(dataDir: string): DrilledRelay {
  let child: ReturnType<typeof spawn> | undefined;
  let port = 0;
  let gate = Promise.withResolvers<void>();

  const relay: DrilledRelay = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get operatorToken() {
      return readFileSync(join(dataDir, "operator.token"), "utf8").trim();
    },
    async start() {
      child = spawn(dataDir, port);
      port = await portOf(child.stdout);
      gate.resolve();
    },
    async kill() {
      gate = Promise.withResolvers();
      child?.kill("SIGKILL");
      await child?.exited;
    },
    async stop() {
      child?.kill("SIGTERM");
      return (await child?.exited) ?? 0;
    },
    up: () => gate.promise,
    async once(method, path, token, body) {
      try {
        const response = await fetch(`${relay.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          signal: AbortSignal.timeout(TRIES_MS),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: response.status, body: await response.json() };
      } catch {
        return undefined;
      }
    },
    async insist(method, path, token, body) {
      for (;;) {
        await gate.promise;
        const answer = await relay.once(method, path, token, body);
        if (answer && answer.status !== 503) return answer;
        await Bun.sleep(5);
      }
    },
  };
  return relay;
}

function spawn(dataDir: string, port: number) {
  return Bun.spawn([process.execPath, MAIN], {
    env: {
      PATH: process.env.PATH ?? "",
      SIGNALBOX_DATA_DIR: dataDir,
      SIGNALBOX_PORT: String(port),
      SIGNALBOX_RATE_LIMIT: "0",
    },
    stdout: "pipe",
    stderr: "inherit",
  });
}

/** From the first line that names a url; the rest is read and dropped. */
async function portOf(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the relay ended before it listened: ${text}`);
    text += decoder.decode(value, { stream: true });
    const url = /"url":"http:\/\/[^"]*:(\d+)"/.exec(text);
    if (!url) continue;
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return Number(url[1]);
  }
}
