import { SessionBusy, SessionMissing } from "../../harness/providers/errors.ts";
import type { NativeSession, OpenTask, Origin, Provider } from "../../harness/providers/provider.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { Log } from "../services.ts";

/** Beginning of the process of a session: it is resumed, copied, or new. */
export function originOf(
  { nativeId, forkOf, forkAt, lane }: SessionRow,
  mayPreset: boolean,
  continueTurn: boolean,
): Origin {
  if (nativeId !== null) return { how: "resume", nativeId, continueTurn };
  const own = mayPreset ? crypto.randomUUID() : undefined;
  if (forkOf === null) return { how: "new", ...(own && { nativeId: own }) };
  const upTo = forkAt === null ? {} : { upTo: forkAt };
  return { how: "fork", nativeId: forkOf, ephemeral: lane === "peek", ...(own && { newId: own }), ...upTo };
}

/** Opens a session. A copy whose CLI does not know its place any more has all of the dialogue. @throws as the provider */
export async function openNative(provider: Provider, task: OpenTask, log: Log): Promise<NativeSession> {
  try {
    return await provider.open(task);
  } catch (error) {
    const { origin } = task;
    const isKnown = error instanceof SessionMissing || error instanceof SessionBusy;
    if (origin.how !== "fork" || origin.upTo === undefined || isKnown || task.signal?.aborted) throw error;
    log(`Session ${task.sessionId} is copied whole: ${error instanceof Error ? error.message : error}`);
    const { upTo: _, ...whole } = origin;
    return provider.open({ ...task, origin: whole });
  }
}
