import { HarnessError } from "../../errors.ts";
import type { Contained } from "../process/contained.ts";
import type { NativeSession, OpenTask } from "../provider.ts";
import { type Asks, createAsks } from "./asks.ts";
import { createNotifications } from "./events.ts";
import { createItems } from "./items.ts";
import { createAccounts, NO_TOKENS } from "./limits.ts";
import { ThreadAnswer } from "./messages.ts";
import { type CodexCommand, ended, type Server, startServer, within } from "./server.ts";
import { type CodexPolicy, environmentOf, threadError, threadRequest } from "./threads.ts";
import { createTurns, type Turns } from "./turns.ts";

/** Opens a session over `codex app-server`: one process, one thread. */
export async function openServerSession(
  command: CodexCommand,
  policy: CodexPolicy,
  task: OpenTask,
): Promise<NativeSession> {
  const request = threadRequest(task, policy);
  let parts: { notifications: ReturnType<typeof createNotifications>; asks: Asks } | undefined;
  const early: [string, Record<string, unknown>][] = [];
  const server = await startServer(
    command,
    { ...task, environment: environmentOf(task, command.home) },
    {
      onNotification: (method, message) =>
        parts ? parts.notifications(method, message) : void early.push([method, message]),
      onRequest: (rpc, id, method, params) =>
        parts ? parts.asks.take(id, method, params) : void rpc.refuse(id, method).catch(() => undefined),
    },
  );
  const { process, rpc } = server;
  try {
    const answer = await within(command.startMs, task.signal, (signal) =>
      rpc.request(request.method, request.params, signal),
    );
    const { thread, model } = ThreadAnswer.parse(answer);
    const session = assemble(server, task, { threadId: thread.id, model: model ?? null });
    task.on({ type: "native", nativeId: thread.id });
    parts = session;
    for (const [method, message] of early) session.notifications(method, message);
    task.on({ type: "state", state: "idle" });
    return session.native;
  } catch (error) {
    await process.close({ graceMs: 0 });
    throw threadError(error, { ...task, environment: environmentOf(task, command.home) });
  }
}

interface Thread {
  threadId: string;
  model: string | null;
}

function assemble({ process, rpc, account }: Server, task: OpenTask, { threadId, model }: Thread) {
  const emit = task.on;
  const items = createItems(emit);
  const accounts = createAccounts({ emit, account, model: () => model });
  if (task.origin.how === "new") accounts.begin(threadId, NO_TOKENS);
  const turns = createTurns({
    ...{ rpc, threadId, schema: task.schema, emit, takeAnswer: items.takeAnswer, onLimit: accounts.reached },
  });
  const asks = createAsks({
    ...{ rpc, emit, changesOf: items.changesOf, unattended: task.unattended, explain: turns.remark },
  });
  const notifications = createNotifications({
    ...{ emit, threadId, items, turns, accounts, resolved: asks.resolved },
  });
  process.exited.then((exit) => turns.end(new HarnessError("problem", ended(exit))));
  return { native: nativeSession(process, threadId, turns, asks), notifications, asks };
}

const nativeSession = (process: Contained, nativeId: string, turns: Turns, asks: Asks): NativeSession => ({
  ...{ pid: process.pid, startTicks: process.startTicks, nativeId },
  get isRunning() {
    return process.isRunning;
  },
  send: turns.send,
  steer: turns.steer,
  interrupt: async () => ({ cancelled: await turns.interrupt() }),
  async answer(requestId, answer) {
    if (!process.isRunning) throw new HarnessError("problem", "Codex has ended.");
    return asks.answer(requestId, answer);
  },
  close: process.close,
  exited: process.exited,
});
