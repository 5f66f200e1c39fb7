import type { Run, RunFinish } from "../protocol/runs.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { endsAgent, mayPass, RelayProblem, RunFailure, RunStopped, retryAfterOf } from "./errors.ts";
import { everyItem } from "./pages.ts";
import type { Heard } from "./run-ear.ts";
import { type HandleServices, openHandle, type RunHandle, type RunHandleEvent } from "./run-handle.ts";
import { promptOf } from "./run-turn.ts";
import { createSlots } from "./slots.ts";
import { headOf } from "./text.ts";
import { untilAnswered } from "./until-answered.ts";

/**
 * Does one turn of a run. Its text, or the end that it returns, ends the turn `ok`; a thrown `RunFailure` or other error ends it as
 * failed. `handle.signal` fires when the run was asked to stop, when its turn was lost, and when the server stops.
 */
export type RunHandler = (handle: RunHandle, how: { resumed: boolean }) => RunEnd | Promise<RunEnd>;
type RunEnd = string | undefined | Partial<RunFinish>;

export type ServeEvent =
  | RunHandleEvent
  | { type: "started"; run: Run }
  | { type: "finished"; run: Run }
  /** The turn ended without its runner, or could not be taken, for the reason in `cause`. */
  | { type: "lost"; run: Run; cause: unknown }
  | { type: "waiting"; inMs: number; cause: unknown };

export interface ServeOptions {
  handler: RunHandler;
  /** Agent whose runs these are; by default the client's agent, else the token's. */
  agentId?: string;
  /** Turns at a time; 1. Turns of one session key never run at the same time. */
  concurrency?: number;
  /** Seconds until a turn is lost without a renewal; 120. It is renewed after a third of that. */
  leaseSeconds?: number;
  /** Hands running turns of an earlier process to the handler too. Only for an agent that works in one process. */
  resume?: boolean;
  /** Stops the server: no more turns; it fires the handlers' signals and resolves when they are done. */
  signal?: AbortSignal;
  onEvent?: (event: ServeEvent) => void;
}

/** Looks for queued turns also without news: a message about one may have expired or been read by another process. */
const SWEEP_MS = 60_000;
const ERROR_BYTES = 4096;
const HEARD_KEPT = 1000;

interface Serving {
  readonly services: HandleServices;
  readonly options: ServeOptions;
  readonly agentId: string;
  readonly life: ReturnType<typeof linkedAbort>;
  readonly slots: ReturnType<typeof createSlots<string>>;
  /** Control messages by turn, of turns that were not taken. */
  readonly heard: Map<string, Heard[]>;
  readonly bell: ReturnType<typeof createBell>;
}

/**
 * Takes the queued turns of an agent's runs and runs the handler for each, until its signal fires. News only wakes it: the relay's
 * list says what is queued, so nothing is missed while it was away.
 * @throws errors that waiting does not cure: `RelayProblem` (superseded, 401, 403, 404), `RelayMismatch`
 */
export async function serve(
  base: Omit<HandleServices, "leaseSeconds" | "onEvent">,
  options: ServeOptions,
): Promise<void> {
  const life = linkedAbort(options.signal);
  const { leaseSeconds = 120, onEvent } = options;
  const { caller } = base;
  const slots = createSlots<string>(Math.max(1, options.concurrency ?? 1));
  const answered = <T>(ask: () => Promise<T>): Promise<T> =>
    untilAnswered(caller.timing, ask, life.signal, (inMs, cause) => onEvent?.({ type: "waiting", inMs, cause }));
  let leave: (() => void) | undefined;
  try {
    const serving: Serving = {
      services: { ...base, leaseSeconds, onEvent },
      options,
      agentId: await answered(() => caller.self({ ...options, signal: life.signal })),
      life,
      slots,
      heard: new Map(),
      bell: createBell(caller),
    };
    leave = await answered(() => listen(serving));
    await takeTurns(serving);
  } catch (error) {
    if (!life.signal.aborted) life.abort(error);
  }
  await slots.whenEmpty();
  leave?.();
  life.dispose();
  if (!options.signal?.aborted || options.signal.reason !== life.signal.reason) throw life.signal.reason;
}

function listen({ services, agentId, life, heard, bell }: Serving): Promise<() => void> {
  return services.ears.listen(agentId, {
    heard(one) {
      const { turnId } = one.control;
      heard.set(turnId, [...(heard.get(turnId) ?? []), one]);
      for (const oldest of heard.keys()) {
        if (heard.size <= HEARD_KEPT) break;
        heard.delete(oldest);
      }
      bell.ring();
    },
    up: bell.ring,
    failed: life.abort,
  });
}

/** Takes turns until the server's life ends. */
async function takeTurns(serving: Serving): Promise<void> {
  const { services, options, slots, life, bell } = serving;
  const { timing } = services.caller;
  const backoff = createBackoff(timing);
  let resume = options.resume ?? false;
  for (;;) {
    life.signal.throwIfAborted();
    try {
      await slots.whenFree();
      const running = resume ? await waitingRuns(serving, "running") : [];
      for (const run of running) slots.take(run.id, doTurn(serving, run, true));
      resume = false;
      for (const run of await waitingRuns(serving, "queued")) {
        if (slots.free <= 0) break;
        if (!slots.has(run.id)) slots.take(run.id, doTurn(serving, run, false));
      }
      backoff.reset();
      if (slots.free > 0) await bell.wait(SWEEP_MS, life.signal);
    } catch (cause) {
      if (life.signal.aborted || !mayPass(cause)) throw cause;
      const inMs = Math.round(backoff.delay(retryAfterOf(cause)));
      options.onEvent?.({ type: "waiting", inMs, cause });
      await timing.sleep(inMs, life.signal);
    }
  }
}

/** Runs of the agent with this status, oldest first. */
async function waitingRuns({ services, agentId, life }: Serving, status: "queued" | "running"): Promise<Run[]> {
  const call = { agentId, signal: life.signal };
  const read = (page: string | undefined) => services.verbs.list({ agent: agentId, status, limit: 100, page }, call);
  const runs: Run[] = [];
  for await (const run of everyItem(read)) runs.unshift(run);
  return runs;
}

/** Takes the turn of a run, has it done, and ends it. Never rejects. */
async function doTurn(serving: Serving, queued: Run, resumed: boolean): Promise<void> {
  const { options, life, bell } = serving;
  let isTaken = false;
  try {
    // The relay may have given the turn away without being heard: then it is in no list of those that wait.
    const handle = await untilAnswered(serving.services.caller.timing, () => take(serving, queued), life.signal);
    options.onEvent?.({ type: "started", run: handle.run });
    isTaken = true;
    const ended = await endOf(handle, options.handler, { resumed, life: life.signal });
    options.onEvent?.({ type: "finished", run: ended });
  } catch (cause) {
    if (endsAgent(cause)) life.abort(cause);
    else options.onEvent?.({ type: "lost", run: queued, cause });
  } finally {
    // Its session key is free. A turn that could not be taken is tried again later, or it would be tried without a pause.
    if (isTaken) bell.ring();
  }
}

async function take({ services, agentId, heard, life }: Serving, { id }: Run): Promise<RunHandle> {
  const { verbs, leaseSeconds } = services;
  const call = { agentId, signal: life.signal };
  const { run, turnId, token } = await verbs.take(id, { leaseSeconds }, call);
  const turn = await promptOf(verbs, { ...run, turnId }, heard.get(turnId) ?? [], call);
  const early = heard.get(turnId) ?? [];
  heard.delete(turnId);
  return openHandle(services, { run, token, turn, heard: early }, life.signal);
}

/** Runs the handler and ends the turn by what came of it. */
async function endOf(
  handle: RunHandle,
  handler: RunHandler,
  { resumed, life }: { resumed: boolean; life: AbortSignal },
): Promise<Run> {
  let end: Partial<RunFinish>;
  try {
    const made = await handler(handle, { resumed });
    end = typeof made === "string" ? { result: made } : (made ?? {});
  } catch (error) {
    if (handle.signal.reason instanceof RelayProblem) throw handle.signal.reason;
    end = failureOf(error, handle.signal, life);
  }
  if (handle.isClosed) return handle.ended ?? handle.run;
  try {
    return await handle.finish(end);
  } catch (error) {
    if (!isRefused(error) || handle.isClosed) throw error;
    const errorCode = error.code === "required-result" ? "no-result" : "unknown";
    return handle.finish({ outcome: "error", errorCode, error: headOf(error.message, ERROR_BYTES) });
  }
}

/** Whether the relay refuses the result itself. */
const isRefused = (error: unknown): error is RelayProblem =>
  error instanceof RelayProblem && (error.status === 413 || error.status === 422);

function failureOf(error: unknown, signal: AbortSignal, life: AbortSignal): Partial<RunFinish> {
  if (signal.reason instanceof RunStopped) return { outcome: "aborted" };
  // Lost, so that somebody can begin a turn in it again.
  if (life.aborted) return { outcome: "error", errorCode: "lost", error: "The runner is stopping" };
  const text = headOf(error instanceof Error ? error.message : String(error), ERROR_BYTES) || "failed without a word";
  return { outcome: "error", errorCode: error instanceof RunFailure ? error.code : "crashed", error: text };
}

/** Wakes the one that waits; a ring before the wait counts too. */
function createBell({ timing }: Caller) {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring(): void {
      isRung = true;
      wake?.();
    },
    /** Resolves at a ring, or after that time. */
    async wait(ms: number, signal: AbortSignal): Promise<void> {
      const nap = linkedAbort(signal);
      wake = () => nap.abort(undefined);
      if (!isRung) await timing.sleep(ms, nap.signal).catch(() => undefined);
      isRung = false;
      nap.dispose();
    },
  };
}
