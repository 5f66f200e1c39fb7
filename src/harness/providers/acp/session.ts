import { HarnessError } from "../../errors.ts";
import { type Ask, createAskTable } from "../ask-table.ts";
import type { Capabilities, NativeSession, OpenTask } from "../provider.ts";
import { CANCELLED, readAsk } from "./asks.ts";
import { type AcpCommand, agentError, type Connection, connectAgent, loadAcp, within } from "./connection.ts";
import { capabilitiesOf, type Opened, openThread } from "./opening.ts";
import { createTurns } from "./turns.ts";
import { createUpdates, Notification, type Updates } from "./updates.ts";

const REMOVE_MS = 3_000;

/** Opens a session of an agent: one process, one session. `learn` hears of abilities as the agent shows them. */
export async function openAcpSession(
  command: AcpCommand,
  task: OpenTask,
  learn: (abilities: Partial<Capabilities>) => void,
): Promise<NativeSession> {
  refuseDenials(command, task);
  const updates = createUpdates(task.on);
  let hears: string | null = null;
  const asks = createAsks(command, task, updates);
  const connection = await connectAgent(command, task, {
    onRequest: asks.take,
    onNotification(method, params) {
      if (method === "elicitation/complete") asks.completed(params);
      const { data } = Notification.safeParse(params);
      // Updates before that are of the past: a loaded session tells its history again.
      if (method === "session/update" && data && data.sessionId === hears) updates.take(data.update);
    },
  });
  try {
    const abilities = capabilitiesOf(connection.greeting);
    learn(abilities);
    const opened = await within(command, task.signal, async () => {
      if (command.authMethod) await connection.agent.request("authenticate", { methodId: command.authMethod });
      return openThread(command, connection, task);
    });
    hears = opened.sessionId;
    if (task.origin.how === "new") updates.beginCosts();
    task.on({ type: "native", nativeId: opened.sessionId });
    task.on({ type: "state", state: "idle" });
    return nativeSession(command, task, { connection, opened, updates, asks, abilities, learn });
  } catch (error) {
    await connection.process.close({ graceMs: 0 });
    throw agentError(command.agent, error);
  }
}

function refuseDenials({ agent }: AcpCommand, { tools: { deny } }: OpenTask): void {
  if (deny.length > 0)
    throw new HarnessError(
      "usage",
      `${agent.title} cannot leave out ${deny.join(", ")}: its protocol has no list of tools. Deny them by rules of approvals.`,
    );
}

/** Questions of the agent, each a request that waits for its answer. */
function createAsks({ agent }: AcpCommand, task: OpenTask, updates: Updates) {
  type Key = { resolve(result: object): void; elicitationId: string | undefined; cancelled: object };
  let count = 0;
  let explain: (reason: string) => void = () => undefined;
  const emit: OpenTask["on"] = (event) => {
    task.on(event);
    if (event.type === "ask") task.on({ type: "state", state: "asking" });
  };
  const table = createAskTable<Key>({
    emit,
    respond: async (key, result) => key.resolve(result),
    explain: (reason) => explain(reason),
    unattended: task.unattended,
  });
  const cancel = (key: Key) => {
    key.resolve(key.cancelled);
    table.close(key);
  };
  return {
    async take(method: string, params: unknown, signal: AbortSignal): Promise<object> {
      const { RequestError } = await loadAcp();
      const requestId = String(++count);
      const ask = readAsk(method, { requestId, params, agent: agent.name, cwd: task.cwd, toolOf: updates.toolOf });
      if (!ask) throw RequestError.methodNotFound(method);
      const { promise, resolve } = Promise.withResolvers<object>();
      const cancelled = method === "elicitation/create" ? { action: "cancel" } : CANCELLED;
      const key: Key = { resolve, elicitationId: ask.elicitationId, cancelled };
      signal.addEventListener("abort", () => cancel(key), { once: true });
      table.take(key, ask as Ask);
      return promise;
    },
    completed(params: unknown): void {
      const { elicitationId } = (params ?? {}) as { elicitationId?: unknown };
      for (const key of table.waiting()) if (key.elicitationId === elicitationId) cancel(key);
    },
    cancelAll(): void {
      for (const key of table.waiting()) cancel(key);
    },
    onDenial(by: typeof explain): void {
      explain = by;
    },
    async answer(...given: Parameters<typeof table.answer>): Promise<boolean> {
      const isTaken = await table.answer(...given);
      if (isTaken && table.waiting().length === 0) task.on({ type: "state", state: "working" });
      return isTaken;
    },
  };
}

interface Parts {
  connection: Connection;
  opened: Opened;
  updates: Updates;
  asks: ReturnType<typeof createAsks>;
  abilities: Partial<Capabilities>;
  learn(abilities: Partial<Capabilities>): void;
}

function nativeSession(command: AcpCommand, task: OpenTask, parts: Parts): NativeSession {
  const { connection, opened, updates, asks, abilities, learn } = parts;
  const { process, agent } = connection;
  const { sessionId } = opened;
  const turns = createTurns({
    ...{
      acp: command.agent,
      agent,
      sessionId,
      emit: task.on,
      takeAnswer: updates.takeAnswer,
      cancelAsks: asks.cancelAll,
    },
    preface: task.origin.how !== "resume" && !opened.hasSystemPrompt ? task.systemPrompt : null,
    canSteer: abilities.steer === true,
    onUsage: () => learn({ usage: true }),
  });
  asks.onDenial((text) => {
    const provenance = { kind: "relay", from: "signalbox" } as const;
    turns.steer({ id: crypto.randomUUID(), text, images: [], provenance }).catch(() => undefined);
  });
  const over = (code: number | null) =>
    turns.end(new HarnessError("problem", `${command.agent.title} has ended (exit ${code}).`));
  process.exited.then(({ code, signal }) => over(signal === null ? code : null));
  const isEphemeral = task.origin.how === "fork" && task.origin.ephemeral;
  return {
    ...{ pid: process.pid, startTicks: process.startTicks, nativeId: sessionId },
    get isRunning() {
      return process.isRunning;
    },
    send: turns.send,
    steer: turns.steer,
    interrupt: async () => ({ cancelled: await turns.interrupt() }),
    async answer(requestId, answer) {
      if (!process.isRunning) throw new HarnessError("problem", `${command.agent.title} has ended.`);
      return asks.answer(requestId, answer);
    },
    async close(options) {
      // A fork for a peek leaves nothing behind.
      if (isEphemeral && process.isRunning)
        await Promise.race([
          agent.request("session/delete", { sessionId }).catch(() => undefined),
          Bun.sleep(REMOVE_MS),
        ]);
      return process.close(options);
    },
    exited: process.exited,
  };
}
