import { linkedAbort } from "../../client/abort.ts";
import type { Client, RunHandle } from "../../client/client.ts";
import { RelayProblem, RunStopped } from "../../client/errors.ts";
import { headOf } from "../../client/text.ts";
import type { RunDraft, RunErrorCode, RunFinish } from "../../protocol/runs.ts";
import { createRunOutput } from "./run-output.ts";

/** Run that a command reports while it works. */
export interface RunReport {
  handle: RunHandle;
  /** Fires when the run was asked to stop, and when the work has to end. A run that was lost does not end the work. */
  signal: AbortSignal;
  /** Detaches from the outer signal. */
  leave(): void;
  onStdout(chunk: Uint8Array): void;
  /** Takes the last line. @returns the answer as an agent CLI calls it; undefined for plain text */
  outputEnd(): string | undefined;
}

export interface RunReporting {
  client: Client;
  /** Called when something cannot be reported: the work goes on without. */
  onTrouble(text: string): void;
}

const ERROR_BYTES = 4096;

/**
 * Begins a run for a command. Work never waits for its report: undefined when the relay refuses the run, or does not answer.
 * @param signal also fires the run's own signal
 */
export async function beginReport(
  { client, onTrouble }: RunReporting,
  draft: RunDraft & { agentId: string },
  signal: AbortSignal,
): Promise<RunReport | undefined> {
  try {
    const onEvent = ({ events, cause }: { events: number; cause: unknown }) =>
      onTrouble(`${events} events of the run were lost: ${cause}`);
    const handle = await client.runs.start(draft, { agentId: draft.agentId, signal, onEvent, retries: 1 });
    const output = createRunOutput(handle);
    const stop = linkedAbort(signal);
    handle.signal.addEventListener("abort", () => {
      if (handle.signal.reason instanceof RunStopped) stop.abort(handle.signal.reason);
    });
    return { handle, signal: stop.signal, leave: stop.dispose, onStdout: output.take, outputEnd: output.end };
  } catch (error) {
    if (!signal.aborted) onTrouble(`It is worked on without a run: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** Ends a run; one that was lost meanwhile is left. Never rejects. */
export async function endReport(
  { onTrouble }: RunReporting,
  { handle, leave }: RunReport,
  end: Partial<RunFinish>,
): Promise<void> {
  leave();
  try {
    await handle.finish(end, { signal: AbortSignal.timeout(LAST_MS) });
  } catch (error) {
    handle.close();
    if (!(error instanceof RelayProblem)) onTrouble(`The end of ${handle.id} was not reported: ${error}`);
  }
}

/** Longest time for the last report, so that a relay that is away keeps no worker from its end. */
const LAST_MS = 30_000;

/** End of a run whose command failed. */
export function failedEnd(
  { handle }: RunReport,
  error: string,
  errorCode: RunErrorCode = "crashed",
): Partial<RunFinish> {
  if (handle.signal.reason instanceof RunStopped) return { outcome: "aborted" };
  return { outcome: "error", errorCode, error: headOf(error, ERROR_BYTES) };
}

/** Variables by which calls of the command hang below its run. */
export const runVariables = ({ handle }: Pick<RunReport, "handle">): Record<string, string> => ({
  SIGNALBOX_RUN_ID: handle.id,
  SIGNALBOX_RUN_TOKEN: handle.token,
});
