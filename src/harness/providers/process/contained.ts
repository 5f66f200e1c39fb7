import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HarnessError } from "../../errors.ts";
import type { Environment, Exit } from "../provider.ts";
import { createJsonLines } from "./json-lines.ts";
import { MARKER } from "./marker.ts";
import { plainText } from "./plain-text.ts";
import { startTicksOf } from "./processes.ts";
import { createScope, type ScopeOptions } from "./scope.ts";
import { endMarked, type SweepTimes } from "./sweep.ts";

/** Bounds of the processes of a session. */
export interface Containment {
  scope?: ScopeOptions | null;
  sweep?: Partial<SweepTimes>;
}

export interface ContainedTask {
  /** Path or name of the command, and its arguments. Neither prompts nor tokens are among them: every user sees command lines. */
  words: readonly string[];
  cwd: string;
  /** Whole environment, the marker aside. */
  environment: Environment;
  sessionId: string;
  containment?: Containment;
  /** Whole input, which ends after it. Left out: lines are written to it. */
  input?: string;
  /** Called with each JSON object on stdout. */
  onLine(value: Record<string, unknown>): void;
  /** Called with other lines of stdout, cut. */
  onNoise(text: string): void;
}

/** A process of a CLI that is ended with everything it starts. */
export interface Contained {
  readonly pid: number;
  readonly startTicks: number;
  readonly isRunning: boolean;
  /** Resolves when the kernel has the line. @throws HarnessError when the process has ended, or does not read */
  write(value: object): Promise<void>;
  /** Ends it: closes its input, TERM, KILL. `graceMs` is the time for the first two. */
  close(options?: { graceMs?: number }): Promise<Exit>;
  readonly exited: Promise<Exit>;
}

const STDERR_BYTES = 4_000;
const GRACE_MS = 5_000;
/** Wait for the pipes after the last process: one without the marker may hold them open. */
const PIPES_MS = 1_000;
/** Input that a process may leave unread. */
const MAX_UNREAD_BYTES = 32 * 1024 * 1024;

/**
 * Starts a CLI in a process group of its own.
 * @throws HarnessError with reason `usage` when it cannot be started
 */
export async function startContained(task: ContainedTask): Promise<Contained> {
  const { words, environment, cwd, sessionId, containment = {} } = task;
  if (!existsSync(cwd))
    throw new HarnessError("usage", `The folder ${cwd} does not exist. Create it, or name another.`);
  const file = pathOf(words[0] ?? "", task);
  const marked = { ...environment, [MARKER]: sessionId };
  const command = [file, ...words.slice(1)];
  const scope = containment.scope ? createScope(containment.scope, sessionId, command, marked) : null;
  const [first = "", ...args] = scope?.words ?? command;
  const env = scope?.environment ?? marked;
  const child = spawn(first, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const output = readOutput(child, task);
  const pid = await started(child, first);
  if (task.input !== undefined) child.stdin.end(task.input);
  // Seen before anything can have reaped it: the exit is told in a later turn of the event loop.
  const startTicks = (await startTicksOf(pid)) ?? 0;
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const exited = (async (): Promise<Exit> => {
    const [code, signal] = await output.exit;
    await scope?.kill();
    const left = await endMarked(sessionId, containment.sweep);
    await Promise.race([output.closed, delay(PIPES_MS, undefined, { ref: false })]);
    output.end();
    return { code, signal, stderr: output.stderr(), left };
  })();
  const write = createInput(child, isRunning, output.exit);
  const close = closer(child, { pid, isRunning, exited });
  return {
    pid,
    startTicks,
    get isRunning() {
      return isRunning();
    },
    write,
    close: ({ graceMs = GRACE_MS } = {}) => close(graceMs),
    exited,
  };
}

function pathOf(command: string, { cwd, environment: { PATH = "" } }: ContainedTask): string {
  const file = command.includes("/") ? resolve(cwd, command) : Bun.which(command, { PATH });
  if (file === null || !existsSync(file))
    throw new HarnessError("usage", `${command} cannot be found. Install it, or set the path of its command.`);
  return file;
}

function started(child: ChildProcess, file: string): Promise<number> {
  return new Promise((begin, reject) => {
    child.once("error", (error) => reject(new HarnessError("usage", `${file} cannot be started: ${error.message}`)));
    child.once("spawn", () => begin(child.pid ?? 0));
  });
}

function readOutput(child: ChildProcess, { onLine, onNoise }: ContainedTask) {
  const lines = createJsonLines({ onLine, onNoise });
  let stderr = Buffer.alloc(0);
  let isEnded = false;
  child.stdout?.on("data", (chunk: Buffer) => {
    if (!isEnded) lines.take(chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_BYTES);
  });
  // A CLI may close its input unread: the write that meets it says so.
  child.stdin?.on("error", () => undefined);
  const exit = new Promise<[number | null, string | null]>((end) =>
    child.once("exit", (code, signal) => end([code, signal])),
  );
  return {
    exit,
    closed: new Promise<void>((end) => child.once("close", () => end())),
    end(): void {
      isEnded = true;
      lines.end();
    },
    stderr: () => plainText(stderr.toString("utf8").replace(/^\ufffd+/, "")),
  };
}

function createInput({ stdin }: ChildProcess, isRunning: () => boolean, exit: Promise<unknown>) {
  let unread = 0;
  return (value: object): Promise<void> =>
    new Promise((done, reject) => {
      const refuse = (why: string) => reject(new HarnessError("problem", `The CLI ${why}`));
      if (!stdin || !isRunning() || stdin.writableEnded) return refuse("has ended.");
      const line = Buffer.from(`${JSON.stringify(value)}\n`);
      if (unread + line.length > MAX_UNREAD_BYTES) return refuse("does not read its input.");
      unread += line.length;
      stdin.write(line, (error) => {
        unread -= line.length;
        if (error) refuse("has closed its input.");
        else done();
      });
      // A write that was under way at the end is told of nothing by the pipe.
      void exit.then(() => refuse("has ended."));
    });
}

interface Running {
  pid: number;
  isRunning(): boolean;
  exited: Promise<Exit>;
}

/** Called again while it closes, it waits for the same end, and a shorter time counts. */
function closer(child: ChildProcess, { pid, isRunning, exited }: Running) {
  const signal = (name: NodeJS.Signals) => {
    if (!isRunning()) return;
    try {
      // The whole group: launchers do not hand signals on.
      process.kill(-pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  return async (graceMs: number): Promise<Exit> => {
    child.stdin?.end();
    const half = () => Promise.race([exit(child), delay(graceMs / 2, undefined, { ref: false })]);
    await half();
    signal("SIGTERM");
    await half();
    signal("SIGKILL");
    return await exited;
  };
}

const exit = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((end) => child.once("exit", () => end()));
