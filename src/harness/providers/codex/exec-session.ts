import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HarnessError } from "../../errors.ts";
import type { Exit, LeftProcess, NativeSession, OpenTask, TurnInput, TurnResult } from "../provider.ts";
import type { ExecEvent } from "./exec-lines.ts";
import { type ExecSetting, startTurn } from "./exec-turn.ts";
import { createAccounts, NO_TOKENS } from "./limits.ts";
import type { CodexCommand } from "./server.ts";
import { type CodexPolicy, configOf, environmentOf, missingThread } from "./threads.ts";

/**
 * Opens a session over `codex exec --json`, for versions without an app-server: one process for each turn, begun when the one
 * before has exited.
 */
export async function openExecSession(
  command: CodexCommand,
  policy: CodexPolicy,
  task: OpenTask,
): Promise<NativeSession> {
  const { origin, on } = task;
  const environment = environmentOf(task, command.home);
  if (!existsSync(task.cwd))
    throw new HarnessError("usage", `The folder ${task.cwd} does not exist. Create it, or name another.`);
  // Tools that cannot be left out are refused now, not in the first turn.
  configOf(task);
  if (origin.how === "fork" && origin.ephemeral)
    throw new HarnessError("usage", "This Codex cannot fork a thread without a trace. Update it to peek.");
  const missing = origin.how === "new" ? undefined : await missingThread(origin.nativeId, environment);
  if (missing) throw missing;
  const folder = mkdtempSync(join(tmpdir(), "signalbox-codex-"));
  const exited = Promise.withResolvers<Exit>();
  const turns = createExecTurns({ command, policy, task, environment, folder }, exited.resolve);
  const nativeId = turns.nativeId();
  if (nativeId !== null) on({ type: "native", nativeId });
  on({ type: "state", state: "idle" });
  return {
    get pid() {
      return turns.process().pid;
    },
    get startTicks() {
      return turns.process().startTicks;
    },
    // Each turn has a process of its own.
    get isRunning() {
      return !turns.isClosed();
    },
    get nativeId() {
      return turns.nativeId();
    },
    send: turns.send,
    async steer() {
      turns.check();
      return "refused";
    },
    interrupt: async () => ({ cancelled: await turns.interrupt() }),
    answer: async () => false,
    async close() {
      const left = await turns.close();
      rmSync(folder, { recursive: true, force: true });
      exited.resolve({ code: 0, signal: null, stderr: "", left });
      return exited.promise;
    },
    exited: exited.promise,
  };
}

function createExecTurns(setting: ExecSetting, onExit: (exit: Exit) => void) {
  const { task } = setting;
  const { origin, on } = task;
  const accounts = createAccounts({ emit: on, account: null, model: () => task.model });
  const queue: TurnInput[] = [];
  const left: LeftProcess[] = [];
  let nativeId = origin.how === "resume" ? origin.nativeId : null;
  let process = { pid: 0, startTicks: 0 };
  let running: { stop: PromiseWithResolvers<void>; ended: Promise<void> } | null = null;
  let isClosed = false;

  /** @throws HarnessError once the session is over */
  function check(): void {
    if (isClosed) throw new HarnessError("problem", "Codex has ended: the session is closed.");
  }

  function take(event: ExecEvent, inputId: string): void {
    if (event.type === "native") {
      if (nativeId === null && origin.how === "new") accounts.begin(event.nativeId, NO_TOKENS);
      if (nativeId !== event.nativeId) on(event);
      nativeId = event.nativeId;
    } else if (event.type === "turn-started") on({ ...event, inputIds: [inputId] });
    else if (event.type !== "turn-over") on(event);
    else if ("total" in event) accounts.use(nativeId ?? "", { total: event.total, last: NO_TOKENS });
  }

  /** Plays a turn. @returns its result; null when its process was killed by others, which ends the session */
  async function play(input: TurnInput, stopped: Promise<void>): Promise<Omit<TurnResult, "moreFollow"> | null> {
    const turn = await startTurn(setting, { input, nativeId, on: (event) => take(event, input.id) });
    process = turn.process;
    void stopped.then(turn.stop);
    const { exit, result } = await turn.over;
    left.push(...exit.left);
    if (exit.signal === null || result.errorCode !== "crashed") return result;
    isClosed = true;
    queue.length = 0;
    onExit({ ...exit, left });
    return null;
  }

  function start(input: TurnInput): void {
    const stop = Promise.withResolvers<void>();
    on({ type: "state", state: "working" });
    const ended = play(input, stop.promise)
      .catch((error: Error) => crashed(input.id, error))
      .then((result) => {
        running = null;
        if (!result) return;
        on({ type: "result", result: { ...result, moreFollow: queue.length > 0 } });
        const next = queue.shift();
        if (next) start(next);
        else on({ type: "state", state: "idle" });
      });
    running = { stop, ended };
  }

  async function stop(): Promise<string[]> {
    const cancelled = queue.splice(0).map(({ id }) => id);
    running?.stop.resolve();
    await running?.ended;
    return cancelled;
  }

  return {
    process: () => process,
    isClosed: () => isClosed,
    nativeId: () => nativeId,
    async send(input: TurnInput): Promise<void> {
      check();
      if (running) queue.push(input);
      else start(input);
    },
    check,
    async interrupt(): Promise<string[]> {
      check();
      return stop();
    },
    async close(): Promise<readonly LeftProcess[]> {
      isClosed = true;
      await stop();
      return left;
    },
  };
}

const crashed = (inputId: string, { message }: Error): Omit<TurnResult, "moreFollow"> => ({
  ...{ outcome: "error", errorCode: "crashed", error: message, text: "", structured: undefined },
  ...{ inputIds: [inputId], durationMs: null },
});
