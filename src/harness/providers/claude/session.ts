import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HarnessError } from "../../errors.ts";
import { writePrivately } from "../../private-file.ts";
import { SessionBusy, SessionMissing } from "../errors.ts";
import { type Contained, type Containment, startContained } from "../process/contained.ts";
import type { Exit, NativeSession, OpenTask, TurnInput } from "../provider.ts";
import { createAsks } from "./asks.ts";
import { createControls } from "./controls.ts";
import { createClaudeEvents } from "./events.ts";
import { userLine } from "./inputs.ts";
import { mcpServers, type Start, startOf } from "./start.ts";
import { Line, type Result } from "./wire.ts";

export interface ClaudeCli {
  words: readonly string[];
  containment: Containment;
}

/** Starts Claude Code with a session. A CLI that takes no MCP servers in its first line gets them in a file of this user's. */
export async function openClaude(task: OpenTask, cli: ClaudeCli): Promise<NativeSession> {
  try {
    return await begin(task, cli, null);
  } catch (error) {
    if (!task.mcp || !/unknown option.*--await-initialize/.test(String(error))) throw error;
    const file = join(tmpdir(), `signalbox-${task.sessionId}`, "mcp.json");
    writePrivately(file, JSON.stringify(mcpServers(task)));
    return await begin(task, cli, file);
  }
}

async function begin(task: OpenTask, cli: ClaudeCli, mcpFile: string | null): Promise<NativeSession> {
  task.signal?.throwIfAborted();
  const start = startOf(task, cli.words, mcpFile);
  const wiring = createWiring(task, start.nativeId);
  const contained = await startContained({
    ...{ words: start.words, cwd: task.cwd, environment: start.environment, sessionId: task.sessionId },
    containment: cli.containment,
    onLine: wiring.take,
    onNoise: (text) => task.on({ type: "noise", text }),
  });
  wiring.connect(contained);
  void contained.exited.then(() => {
    wiring.end();
    if (mcpFile) rmSync(join(mcpFile, ".."), { recursive: true, force: true });
  });
  await initialized(task, start, wiring, contained);
  return sessionOf(start.nativeId, wiring, contained);
}

/** Waits for the CLI to take input. @throws the reason of its end, as it says it; the process is gone then */
async function initialized(task: OpenTask, start: Start, wiring: Wiring, contained: Contained): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(task.signal?.reason);
  task.signal?.addEventListener("abort", abort, { once: true });
  const ended = contained.exited.then((exit) => Promise.reject(startError(exit, wiring.startResult())));
  try {
    task.signal?.throwIfAborted();
    const answer = wiring.controls.ask(start.initialize);
    // The reason of an end is in its exit; the write that met it says less.
    await Promise.race([answer.catch(() => ended), ended, aborted.promise]);
  } catch (error) {
    await contained.close({ graceMs: 0 });
    throw error;
  } finally {
    task.signal?.removeEventListener("abort", abort);
    // Later ends are no errors of the start.
    ended.catch(() => undefined);
  }
}

function startError(exit: Exit, result: Result | null): Error {
  const said = [...(result?.errors ?? []), exit.stderr].join("\n").trim();
  const reason = result?.startup_failure_reason ?? "";
  if (/No conversation found/i.test(said)) return new SessionMissing(said);
  if (/held|in_use/.test(reason) || /already in use|is held by|currently running/i.test(said))
    return new SessionBusy(said || reason);
  return new HarnessError("problem", `Claude Code ended at its start: ${said || reason || `exit code ${exit.code}`}`);
}

type Wiring = ReturnType<typeof createWiring>;

/** Lines of the CLI on their way to events, answers and questions. */
function createWiring(task: OpenTask, nativeId: string) {
  const { on } = task;
  let contained: Contained | null = null;
  let isReady = false;
  let account: string | null = null;
  let failure: Result | null = null;
  let held: TurnInput[] = [];
  const write = async (line: object) => {
    if (!contained) throw new HarnessError("problem", "Claude Code has not started.");
    await contained.write(line);
  };
  const respond = (id: string, response: object) =>
    write({ type: "control_response", response: { subtype: "success", request_id: id, response } });
  const controls = createControls(write);
  const asks = createAsks({ cwd: task.cwd, unattended: task.unattended, on, respond });
  const events = createClaudeEvents({
    on,
    account: () => account,
    isResumed: task.origin.how !== "new",
    turnOver: () => {
      const input = held.shift();
      if (input) void give(input, false).catch(() => undefined);
    },
  });

  async function give(input: TurnInput, isSteered: boolean): Promise<void> {
    const line = await userLine(input, events.isBusy() && !isSteered ? "later" : null);
    events.sent(input.id);
    await write(line);
  }

  function takeRequest(line: Line & { type: "control_request" }): void {
    const { request, request_id: id } = line;
    if ("tool_name" in request) asks.take(id, request);
    else {
      const response = { subtype: "error", request_id: id, error: `${request.subtype} is not answered here.` };
      void write({ type: "control_response", response }).catch(() => undefined);
    }
  }

  /** Its first request was answered: from the next line on, which may be there already, it speaks of its turns. */
  function ready(answer: Record<string, unknown>): void {
    isReady = true;
    const { email, organization } = (answer.account ?? {}) as Record<string, unknown>;
    const name = email ?? organization;
    account = typeof name === "string" ? name : null;
    on({ type: "native", nativeId });
  }

  function takeAnswer(line: Line & { type: "control_response" }): void {
    if (!isReady && line.response.subtype === "success") ready(line.response.response ?? {});
    controls.take(line);
  }

  return {
    controls,
    asks,
    events,
    connect(to: Contained): void {
      contained = to;
    },
    take(value: Record<string, unknown>): void {
      const { data: line } = Line.safeParse(value);
      if (line?.type === "control_response") takeAnswer(line);
      else if (line?.type === "control_request") takeRequest(line);
      else if (line?.type === "control_cancel_request") asks.withdraw(line.request_id);
      else if (line?.type === "result" && !isReady) failure = line;
      else if (line) events.take(line);
    },
    /** End that the CLI gave before it took input. */
    startResult: () => failure,
    async send(input: TurnInput): Promise<void> {
      if (events.hasReceipts() || !events.isBusy()) return await give(input, false);
      if (!contained?.isRunning) throw new HarnessError("problem", "Claude Code has ended.");
      held.push(input);
    },
    async steer(input: TurnInput): Promise<"steered" | "refused"> {
      if (!events.hasReceipts() || !events.isBusy()) return "refused";
      await give(input, true);
      return "steered";
    },
    async interrupt(): Promise<{ cancelled: string[] }> {
      const kept = held.map(({ id }) => id);
      held = [];
      events.stopping();
      const { cancelled } = await controls.ask({ subtype: "interrupt", cancel_queued: true });
      if (Array.isArray(cancelled)) return { cancelled: [...cancelled.map(String), ...kept] };
      const waiting = events.waiting();
      for (const id of waiting) await controls.ask({ subtype: "cancel_async_message", message_uuid: id });
      return { cancelled: [...waiting, ...kept] };
    },
    end(): void {
      asks.withdrawAll();
      controls.end("Claude Code has ended.");
    },
  };
}

const sessionOf = (nativeId: string, wiring: Wiring, contained: Contained): NativeSession => ({
  nativeId,
  pid: contained.pid,
  startTicks: contained.startTicks,
  get isRunning() {
    return contained.isRunning;
  },
  exited: contained.exited,
  send: wiring.send,
  steer: wiring.steer,
  interrupt: wiring.interrupt,
  answer: wiring.asks.answer,
  close: contained.close,
});
