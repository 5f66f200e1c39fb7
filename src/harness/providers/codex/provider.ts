import { mkdirSync } from "node:fs";
import type { Containment } from "../process/contained.ts";
import type { Capabilities, Environment, ForeignSession, OpenTask, Provider } from "../provider.ts";
import { type CodexMode, examine, nativeBinary } from "./binary.ts";
import type { CodexCommand } from "./server.ts";
import type { CodexPolicy } from "./threads.ts";
import { deleteThread, foreignThreads, login } from "./upkeep.ts";

export interface CodexOptions extends CodexPolicy {
  /** Left out: codex. */
  name?: string;
  /** The command, and arguments before ours. Left out: codex. */
  words?: readonly string[];
  /** Environment for looking, outside sessions. */
  environment: Environment;
  /** CODEX_HOME of every session: logins, configuration and threads. Left out: that of the environment. */
  home?: string;
  containment?: Containment;
  /** Time to take the first input, in milliseconds. */
  startMs?: number;
}

const START_MS = 30_000;
const NONE = { presetId: false, continueTurn: false };
const SERVER: Capabilities = {
  ...NONE,
  ...{ resume: true, fork: true, ephemeralFork: true, steer: true, receipts: true, interrupt: true },
  ...{ permissions: true, structured: true, usage: true, limits: true },
};
const EXEC: Capabilities = {
  ...NONE,
  ...{ resume: true, fork: true, ephemeralFork: false, steer: false, receipts: false, interrupt: true },
  ...{ permissions: false, structured: true, usage: true, limits: false },
};
/** Abilities by the way that a version is talked to. */
export const CODEX_CAPABILITIES: Record<CodexMode, Capabilities> = { server: SERVER, exec: EXEC };

/** Codex over its app-server; over `codex exec --json` where its version has none. Capabilities are those of the first until `probe` or `open` has looked. */
export function codexProvider(options: CodexOptions): Provider {
  const { words = ["codex"], environment, home, containment, startMs = START_MS } = options;
  let mode: CodexMode | undefined;

  /** The command by its native program. It is looked for each time: updates move it. */
  function commandFor(of: Environment): CodexCommand {
    const [first = "", ...rest] = words;
    if (home) mkdirSync(home, { recursive: true, mode: 0o700 });
    return { words: [nativeBinary(first, of), ...rest], home, containment, startMs };
  }

  const withHome = (of: Environment): Environment => (home ? { ...of, CODEX_HOME: home } : of);
  const look = async (command: CodexCommand, of: Environment, signal?: AbortSignal) => {
    const found = await examine(command.words, withHome(of), signal);
    mode = found.mode;
    return found;
  };

  return {
    name: options.name ?? "codex",
    kind: "codex",
    get capabilities() {
      return CODEX_CAPABILITIES[mode ?? "server"];
    },
    async probe(signal) {
      const command = commandFor(environment);
      const { version, mode: of } = await look(command, environment, signal);
      const account = of === "server" ? await login(command, withHome(environment), signal) : null;
      return { version, account };
    },
    async open(task: OpenTask) {
      const command = commandFor(task.environment);
      mode ??= (await look(command, task.environment, task.signal)).mode;
      if (mode === "server") {
        const { openServerSession } = await import("./session.ts");
        return openServerSession(command, options, task);
      }
      const { openExecSession } = await import("./exec-session.ts");
      return openExecSession(command, options, task);
    },
    async listForeign(): Promise<ForeignSession[]> {
      if ((mode ?? (await look(commandFor(environment), environment)).mode) !== "server") return [];
      return foreignThreads(commandFor(environment), withHome(environment));
    },
    async remove({ nativeId, cwd, environment: of }) {
      mode ??= (await look(commandFor(of), of)).mode;
      if (mode === "server") await deleteThread(commandFor(of), { cwd, environment: withHome(of) }, nativeId);
    },
  };
}
