import { randomUUID } from "node:crypto";
import { HarnessError } from "../../errors.ts";
import { SessionMissing } from "../errors.ts";
import { type Contained, type Containment, startContained } from "../process/contained.ts";
import type { Capabilities, NativeSession, OpenTask, TurnInput } from "../provider.ts";
import { LineOfAgent, type LineToAgent, type StartLine } from "./lines.ts";
import { createTurns } from "./turns.ts";

export interface CommandAgent {
  words: readonly string[];
  capabilities: Capabilities;
  containment: Containment;
}

/** Starts an agent of the operator's own. One that keeps sessions says whether it has the one that is meant. */
export async function openCommand(task: OpenTask, agent: CommandAgent): Promise<NativeSession> {
  task.signal?.throwIfAborted();
  const { capabilities } = agent;
  const start = startLine(task);
  const first = Promise.withResolvers<"ready" | "missing">();
  let contained: Contained | undefined;
  const write = async (line: LineToAgent) => {
    if (!contained?.isRunning) throw new HarnessError("problem", "The agent has ended.");
    await contained.write(line);
  };
  const { cwd, unattended, on } = task;
  const turns = createTurns({ cwd, unattended, canSteer: capabilities.steer, on, write });
  const take = (value: Record<string, unknown>) => {
    const { data, error } = LineOfAgent.safeParse(value);
    if (data?.type === "ready" || data?.type === "missing") first.resolve(data.type);
    else if (data) turns.take(data);
    else on({ type: "noise", text: `Not a line of docs/write-a-provider.md: ${reason(error)}` });
  };
  contained = await startContained({
    ...{ words: agent.words, cwd, environment: task.environment, sessionId: task.sessionId },
    containment: agent.containment,
    onLine: take,
    onNoise: (text) => on({ type: "noise", text }),
  });
  const running = contained;
  void running.exited.then(turns.withdrawAll);
  await write(start).catch(() => undefined);
  await begun(task, capabilities, first.promise, running);
  on({ type: "native", nativeId: start.session });
  on({ type: "state", state: "idle" });
  return sessionOf(start.session, { turns, running, write, capabilities });
}

const reason = (error: { issues: { path: PropertyKey[]; message: string }[] } | undefined): string =>
  (error?.issues ?? [])
    .map(({ path, message }) => `${path.join(".")} ${message}`)
    .join("; ")
    .slice(0, 300);

function startLine({ origin, model, systemPrompt, tools, schema, mcp }: OpenTask): StartLine {
  const rest = { model, systemPrompt, tools, schema, mcp };
  if (origin.how === "resume") return { type: "start", how: "resume", session: origin.nativeId, ...rest };
  if (origin.how === "new") return { type: "start", how: "new", session: origin.nativeId ?? randomUUID(), ...rest };
  const { nativeId: of, ephemeral, newId = randomUUID() } = origin;
  return { type: "start", how: "fork", session: newId, of, ephemeral, ...rest };
}

/** Waits for the answer of an agent that keeps sessions; another one is ready at once. @throws as `open` does */
async function begun(
  { origin, signal }: OpenTask,
  { resume }: Capabilities,
  first: Promise<"ready" | "missing">,
  running: Contained,
): Promise<void> {
  if (!resume && origin.how === "new" && !signal?.aborted) return;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const ended = running.exited.then(({ code, stderr }) => {
    throw new HarnessError("problem", `The agent ended at its start, with exit code ${code}: ${stderr}`);
  });
  // Later ends are no errors of the start.
  ended.catch(() => undefined);
  try {
    signal?.throwIfAborted();
    const id = origin.how === "new" ? "" : origin.nativeId;
    if (!resume || (await Promise.race([first, ended, aborted.promise])) === "missing")
      throw new SessionMissing(`The agent has no session ${id}.`);
  } catch (error) {
    await running.close({ graceMs: 0 });
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

interface Parts {
  turns: ReturnType<typeof createTurns>;
  running: Contained;
  write(line: LineToAgent): Promise<void>;
  capabilities: Capabilities;
}

function sessionOf(nativeId: string, { turns, running, write, capabilities }: Parts): NativeSession {
  /** @throws HarnessError as the contract says for an agent that has ended */
  const alive = () => {
    if (!running.isRunning) throw new HarnessError("problem", "The agent has ended.");
  };
  return {
    nativeId,
    pid: running.pid,
    startTicks: running.startTicks,
    get isRunning() {
      return running.isRunning;
    },
    exited: running.exited,
    close: running.close,
    async send(input: TurnInput) {
      alive();
      turns.send(input);
    },
    async steer(input) {
      alive();
      return await turns.steer(input);
    },
    async interrupt() {
      alive();
      const { cancelled, isRunning } = turns.cancel();
      if (isRunning && capabilities.interrupt) await write({ type: "interrupt" });
      return { cancelled };
    },
    async answer(requestId, { decision, text }) {
      alive();
      const said = turns.answered(requestId, text);
      if (said === undefined) return false;
      await write({ type: "answer", ask: requestId, decision, text: said });
      return true;
    },
  };
}
