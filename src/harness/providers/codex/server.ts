import { z } from "zod";
import manifest from "../../../../package.json" with { type: "json" };
import { HarnessError } from "../../errors.ts";
import { type Contained, type Containment, startContained } from "../process/contained.ts";
import { plainText } from "../process/plain-text.ts";
import type { Exit, OpenTask } from "../provider.ts";
import { createRpc, type Rpc } from "./rpc.ts";

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

export const ended = ({ code, signal, stderr }: Exit): string =>
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
