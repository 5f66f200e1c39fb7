import { z } from "zod";
import { SessionMissing } from "../errors.ts";
import type { Environment, ForeignSession } from "../provider.ts";
import { RpcRefusal } from "./rpc.ts";
import { type CodexCommand, type Server, startServer, within } from "./server.ts";
import { refusedThread } from "./threads.ts";

interface Place {
  cwd: string;
  environment: Environment;
}

/** Runs requests at a server of its own, which ends after them. */
async function ask<T>(
  command: CodexCommand,
  { cwd, environment }: Place,
  run: (server: Server, signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const sessionId = `look-${crypto.randomUUID()}`;
  const hearer = {
    onNotification: () => undefined,
    onRequest: (rpc: Server["rpc"], id: string | number, method: string) =>
      void rpc.refuse(id, method).catch(() => undefined),
  };
  const task = { cwd, environment, sessionId, on: () => undefined, ...(outer && { signal: outer }) };
  const server = await startServer(command, task, hearer);
  try {
    return await within(command.startMs, outer, (signal) => run(server, signal));
  } finally {
    await server.process.close();
  }
}

const folder = ({ HOME }: Environment): string => HOME ?? "/";

/** Login of the user: the address of an account, else its kind; null without one. */
export const login = (command: CodexCommand, environment: Environment, signal?: AbortSignal): Promise<string | null> =>
  ask(command, { cwd: folder(environment), environment }, async ({ account }) => account, signal);

const Threads = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      cwd: z.string().nullish(),
      name: z.string().nullish(),
      preview: z.string().nullish(),
      /** Seconds since 1970. */
      createdAt: z.number().nullish(),
      originator: z.string().nullish(),
    }),
  ),
});

const NEWEST = 100;
const KINDS = ["cli", "vscode", "exec", "appServer"];

/** The newest threads that others began: people in a terminal, editors. */
export const foreignThreads = (command: CodexCommand, environment: Environment): Promise<ForeignSession[]> =>
  ask(command, { cwd: folder(environment), environment }, async ({ rpc }, signal) => {
    const answer = await rpc.request("thread/list", { limit: NEWEST, sourceKinds: KINDS }, signal);
    return Threads.parse(answer)
      .data.filter(({ originator }) => originator !== "signalbox")
      .map(({ id, cwd, name, preview, createdAt }) => ({
        ...{ nativeId: id, cwd: cwd ?? null, name: name || preview || null, pid: null, isOpen: null },
        startedAt: createdAt ? createdAt * 1000 : null,
      }));
  });

/** Deletes a thread. One that is not there is none to delete. @throws SessionBusy while another Codex has it open */
export const deleteThread = (command: CodexCommand, place: Place, nativeId: string): Promise<void> =>
  ask(command, place, async ({ rpc }, signal) => {
    try {
      await rpc.request("thread/delete", { threadId: nativeId }, signal);
    } catch (error) {
      const known =
        error instanceof RpcRefusal ? refusedThread(error.said, { nativeId }, place.environment) : undefined;
      if (!(known instanceof SessionMissing)) throw known ?? error;
    }
  });
