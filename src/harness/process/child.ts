import { type ChildProcess, spawn } from "node:child_process";
import { HarnessError } from "../errors.ts";

/** A command to run once. */
export interface ChildTask {
  file: string;
  args: string[];
  /** Text on its stdin. */
  input: string;
  /** Added to our own environment; `undefined` takes a variable out. */
  environment: Record<string, string | undefined>;
  /** Ends the command: SIGTERM, then SIGKILL after 10 s. */
  signal: AbortSignal;
  /** Bytes of stdout to keep. */
  maxOutput: number;
  onStderr: (text: string) => void;
  /** Called with stdout as it comes, also beyond `maxOutput`. */
  onStdout?: ((chunk: Uint8Array) => void) | undefined;
}

export interface ChildEnd {
  /** `null` when a signal ended the command. */
  code: number | null;
  signal: string | null;
  /** The beginning of stdout. */
  stdout: string;
  /** Length of the whole stdout in bytes, including the part not kept. */
  stdoutBytes: number;
  /** The end of stderr. */
  stderr: string;
}

/** The command does not exist or may not be run, which is no failure of its work. */
export class CommandMissing extends HarnessError {
  override readonly name = "CommandMissing";

  constructor(message: string) {
    super("usage", message);
  }
}

const STDERR_KEPT = 4000;
const KILL_AFTER_MS = 10_000;
/** Wait for the pipes after the exit: a process that the command left running may hold them open for ever. */
const PIPES_AFTER_EXIT_MS = 1_000;

/**
 * Runs a command to its end.
 * @throws CommandMissing when it cannot be started, the reason of a signal that has fired already
 */
export async function runChild(task: ChildTask): Promise<ChildEnd> {
  task.signal.throwIfAborted();
  const env = { ...process.env, ...task.environment };
  // A process group of its own: its children end with it, and Ctrl-C in the terminal reaches it through us alone.
  const child = spawn(task.file, task.args, { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const kept = keepOutput(child, task);
  // A command may close its stdin unread.
  child.stdin.on("error", () => undefined);
  child.stdin.end(task.input);
  const kill = () => killGroup(child);
  task.signal.addEventListener("abort", kill, { once: true });
  try {
    const [code, signal] = await ended(child, task.file);
    return { code, signal, ...kept() };
  } finally {
    task.signal.removeEventListener("abort", kill);
  }
}

function ended(child: ChildProcess, file: string): Promise<[code: number | null, signal: string | null]> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new CommandMissing(`${file} cannot be run: ${error.message}`)));
    child.once("exit", (code, signal) => {
      const end = () => resolve([code, signal]);
      const late = setTimeout(end, PIPES_AFTER_EXIT_MS);
      child.once("close", () => {
        clearTimeout(late);
        end();
      });
    });
  });
}

function keepOutput(child: ChildProcess, { maxOutput, onStderr, onStdout }: ChildTask) {
  const stdout: Buffer[] = [];
  let stdoutBytes = 0;
  let stderr = Buffer.alloc(0);
  const words = new TextDecoder();
  child.stdout?.on("data", (chunk: Buffer) => {
    if (stdoutBytes < maxOutput) stdout.push(chunk.subarray(0, maxOutput - stdoutBytes));
    stdoutBytes += chunk.length;
    onStdout?.(chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_KEPT);
    onStderr(words.decode(chunk, { stream: true }));
  });
  return () => ({
    stdout: Buffer.concat(stdout).toString("utf8"),
    stdoutBytes,
    stderr: stderr.toString("utf8").replace(/^\ufffd+/, ""),
  });
}

function killGroup(child: ChildProcess): void {
  signalGroup(child, "SIGTERM");
  const late = setTimeout(() => signalGroup(child, "SIGKILL"), KILL_AFTER_MS);
  child.once("exit", () => clearTimeout(late));
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
