import type { Exit, NativeSession } from "../../harness/providers/provider.ts";
import type { Services } from "../services.ts";
import type { Crashes } from "./crashes.ts";
import type { Ears } from "./ears.ts";
import { type Ending, endOfExit, endOfResult } from "./end.ts";
import type { OwnTurn } from "./own.ts";
import { Paused } from "./running.ts";

export type EndOf = ReturnType<typeof createEndOf>;

/** Waits for the end of what a CLI was given, and tells how it ended. */
export function createEndOf({ time, life, config }: Services, crashes: Crashes) {
  async function cutOff(native: NativeSession, result: Promise<unknown>, exit: Promise<Exit>): Promise<Ending> {
    await native.interrupt().catch(() => undefined);
    const patience = time.sleep(10_000);
    await Promise.race([result, exit, patience]);
    const error = `It took longer than ${config.runtimeSeconds} s and was stopped.`;
    return { outcome: "timeout", errorCode: "timeout", error, text: "" };
  }

  /** First of result, exit and time limit. */
  async function endOf(own: OwnTurn, native: NativeSession, { ended, exited }: Ears): Promise<Ending> {
    const limit = new AbortController();
    const late = time.sleep(config.runtimeSeconds * 1000, limit.signal).then(
      () => "late" as const,
      () => new Promise<never>(() => undefined),
    );
    const won = await Promise.race([ended, exited, late]);
    limit.abort();
    life.throwIfAborted();
    if (own.isPaused) throw new Paused();
    if (won === "late") return cutOff(native, ended, exited);
    const reason = own.stopReason;
    if ("outcome" in won)
      return reason === undefined ? endOfResult(won) : { ...endOfResult(won), outcome: "aborted", reason };
    own.hasCrashed = reason === undefined;
    if (own.hasCrashed) crashes.note(own.turn);
    return reason === undefined ? endOfExit(won) : { outcome: "aborted", text: "", reason };
  }

  return endOf;
}
