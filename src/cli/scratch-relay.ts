import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runningServer } from "./data-folder.ts";
import { EXIT, Stop } from "./exit.ts";
import { ownCommand } from "./own.ts";
import { scratchEnvironment } from "./settings.ts";
import { untilStopped } from "./stopped.ts";

/** A relay of this program in a process of its own, on loopback, with its data in a temporary folder. */
export interface ScratchRelay {
  readonly dataDir: string;
  /** Address, the same from the first start on. */
  url(): string;
  /** Token of the operator. */
  token(): string;
  /** Starts it, over what an earlier start left. @throws Stop with the relay's own words, when it does not come up */
  start(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Leaves its folder behind. */
  keep(): void;
  /** Ends something else with it, before it. */
  atEnd(end: () => Promise<void>): void;
}

const LOOK_EVERY_MS = 10;

export interface ScratchOptions {
  /** Part of the folder's name. */
  name: string;
  /** Flags of `signalbox serve`. */
  flags?: readonly string[];
  /** The program, as `signalbox serve`. */
  command?: readonly string[];
  /** Left out: a free one. */
  port?: string;
  /** Where its log goes. */
  log?: "inherit" | "ignore";
}

/** Runs something on a scratch relay, which ends with it, also at Ctrl-C. */
export async function onScratchRelay<T>(options: ScratchOptions, run: (relay: ScratchRelay) => Promise<T>): Promise<T> {
  const relay = createScratchRelay(options);
  const stopped = untilStopped();
  const interrupted = new Promise<never>((_, reject) => stopped.addEventListener("abort", reject, { once: true }));
  try {
    return await Promise.race([run(relay), interrupted]);
  } finally {
    await relay.end();
    if (stopped.aborted) process.exit(130);
  }
}

type Child = Bun.Subprocess<"ignore", "inherit" | "ignore", "inherit" | "pipe">;

function createScratchRelay(options: ScratchOptions) {
  const { name, flags = [], command = ownCommand("serve"), port = "0", log = "ignore" } = options;
  const dataDir = mkdtempSync(join(tmpdir(), `signalbox-${name}-`));
  let child: Child | undefined;
  let known = { url: "", token: "" };
  let isKept = false;
  let isOver = false;
  const before: (() => Promise<void>)[] = [];

  async function kill(): Promise<void> {
    child?.kill("SIGKILL");
    await child?.exited;
  }

  return {
    dataDir,
    url: () => known.url,
    token: () => known.token,
    async start() {
      // After Ctrl-C, a drill may still be about to start the relay again.
      if (isOver) throw new Error("The scratch relay has ended");
      const same = known.url ? new URL(known.url).port : port;
      const started = Bun.spawn([...command, "--data", dataDir, "--port", same, ...flags], {
        env: scratchEnvironment(),
        stdin: "ignore",
        stdout: log,
        stderr: log === "inherit" ? log : "pipe",
      });
      child = started;
      known = await untilListening(dataDir, started);
    },
    kill,
    keep: () => {
      isKept = true;
    },
    atEnd: (end: () => Promise<void>) => void before.push(end),
    async end() {
      isOver = true;
      await Promise.allSettled(before.map((end) => end()));
      await kill();
      if (!isKept) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Waits for this process: the folder may still name one that was killed. */
async function untilListening(dataDir: string, child: Child) {
  for (;;) {
    const server = runningServer(dataDir);
    if (server?.pid === child.pid && server.token) return { url: server.url, token: server.token };
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Stop(EXIT.problem, `The scratch relay ended before it listened. ${await complaintOf(child)}`.trim());
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

const complaintOf = ({ stderr }: Child): Promise<string> =>
  stderr instanceof ReadableStream ? new Response(stderr).text() : Promise.resolve("");
