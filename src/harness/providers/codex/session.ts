import { z } from "zod";
import manifest from "../../../../package.json" with { type: "json" };
import { HarnessError } from "../../errors.ts";
import { type Contained, type Containment, startContained } from "../process/contained.ts";
import { plainText } from "../process/plain-text.ts";
import type { Exit, NativeSession, OpenTask } from "../provider.ts";
import { type Asks, createAsks } from "./asks.ts";
import { createNotifications } from "./events.ts";
import { createItems } from "./items.ts";
import { createAccounts, NO_TOKENS } from "./limits.ts";
import { ThreadAnswer } from "./messages.ts";
import { createRpc, type Rpc } from "./rpc.ts";
import { type CodexPolicy, environmentOf, threadError, threadRequest } from "./threads.ts";
import { createTurns, type Turns } from "./turns.ts";

/** Codex as it is started. */
export interface CodexCommand {
  /** The command and the arguments before ours. */
  words: readonly string[];
  home?: string | undefined;
  containment?: Containment | undefined;
  /** Time to answer the first requests. */
  startMs: number;
}

export interface Server {
  process: Contained;
  rpc: Rpc;
  /** Login of the user at the model's provider; null when there is none, or it has no name. */
  account: string | null;
}

type ServerTask = Pick<OpenTask, "cwd" | "environment" | "sessionId" | "on" | "signal">;
interface Hearer {
  onNotification(method: string, message: Record<string, unknown>): void;
  onRequest(rpc: Rpc, id: string | number, method: string, params: unknown): void;
}

/** Starts `codex app-server` and greets it. @throws HarnessError when it does not answer */
export async function startServer(command: CodexCommand, task: ServerTask, hearer: Hearer): Promise<Server> {
  const noise = (text: string) => task.on({ type: "noise", text });
  const rpc: Rpc = createRpc({
    write: (message) => process.write(message),
    onNotification: hearer.onNotification,
    onRequest: (id, method, params) => hearer.onRequest(rpc, id, method, params),
    onOther: (message) => noise(plainText(JSON.stringify(message).slice(0, 500))),
  });
  const process = await startContained({
    words: [...command.words, "app-server"],
    ...{ cwd: task.cwd, environment: task.environment, sessionId: task.sessionId },
    ...(command.containment && { containment: command.containment }),
    ...{ onLine: rpc.take, onNoise: noise },
  });
  process.exited.then((exit) => rpc.end(new HarnessError("problem", ended(exit))));
  try {
    const account = await within(command.startMs, task.signal, (signal) => greet(rpc, signal));
    return { process, rpc, account };
  } catch (error) {
    await process.close({ graceMs: 0 });
    throw error;
  }
}

const ended = ({ code, signal, stderr }: Exit): string =>
  `Codex has ended (${signal ?? `exit ${code}`})${stderr.trim() ? `: ${stderr.trim().slice(-1000)}` : ""}.`;

const Account = z.object({
  account: z.object({ type: z.string(), email: z.string().nullish() }).nullish().catch(null),
});

async function greet(rpc: Rpc, signal: AbortSignal): Promise<string | null> {
  const clientInfo = { name: "signalbox", title: "Signalbox", version: manifest.version };
  const capabilities = { experimentalApi: true, requestAttestation: false };
  await rpc.request("initialize", { clientInfo, capabilities }, signal);
  await rpc.notify("initialized");
  // Older versions do not know the question.
  const answer = await rpc.request("account/read", {}, signal).catch((error: HarnessError) => {
    if (error.name !== "RpcRefusal") throw error;
  });
  const account = Account.safeParse(answer).data?.account;
  return account?.email ?? account?.type ?? null;
}

/** Runs requests within a time. @throws HarnessError after it; the signal's reason */
export async function within<T>(
  ms: number,
  outer: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms);
  try {
    return await run(outer ? AbortSignal.any([outer, late]) : late);
  } catch (error) {
    if (!late.aborted || outer?.aborted) throw error;
    throw new HarnessError("problem", `Codex did not answer within ${ms / 1000} s. Run it by hand to see why.`);
  }
}

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
