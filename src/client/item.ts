import type { Message } from "../protocol/messages.ts";
import type { Claimed, Complete, Fail } from "../protocol/work.ts";
import { type LinkedAbort, linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { claimVerbs } from "./claims.ts";
import { endsAgent, Failure, mayPass, RelayProblem, Release, retryAfterOf } from "./errors.ts";
import { keepLease } from "./lease.ts";
import { headOf } from "./text.ts";
import type { Timing } from "./timing.ts";

/** Result of a handler: text, a whole result, or nothing. */
export type WorkResult = Complete["result"];

/**
 * Does one item of work. Its result completes the item, a thrown `Release` releases it, and any other error fails it. `signal` fires
 * when the lease is lost (another holder may have the item now), and when the worker stops.
 */
export type WorkHandler = (message: Message, held: Held) => WorkResult | Promise<WorkResult>;

/** Context of a handler. `posts`: parts that earlier attempts posted, of a message to a channel. */
type Held = Pick<Claimed, "claim" | "posts" | "task"> & { signal: AbortSignal };

/** Outcome of an item. `lost`: the relay refused the outcome, for the reason in `cause`. */
export type ItemEvent =
  | { type: "completed"; message: Message }
  | { type: "released"; message: Message; reason: string }
  | { type: "failed"; message: Message; error: string; retryAfterSeconds?: number }
  | { type: "lost"; message: Message; cause: unknown };

/** State that all items of a worker share. `life` ends when the worker stops; an item ends it when the agent is superseded. */
export interface Desk {
  readonly verbs: ReturnType<typeof claimVerbs>;
  readonly timing: Timing;
  readonly leaseSeconds: number;
  readonly handler: WorkHandler;
  /** Retries after which a failure is final; undefined: the relay's `maxAttempts` alone counts. */
  readonly retries?: number | undefined;
  readonly life: LinkedAbort;
}

type Outcome =
  | { verb: "complete"; result: WorkResult }
  | { verb: "release"; reason: string; delaySeconds?: number }
  | ({ verb: "fail" } & Omit<Fail, "token">);

const ERROR_BYTES = 4096;
/** Time for an outcome to reach the relay after the worker stops; the end of the lease decides after that. */
const LAST_TRIES = 3;

/** Holds an item, runs the handler, and reports the outcome. Never rejects. */
export async function workOn(item: Claimed, desk: Desk, how: { resumed?: boolean } = {}): Promise<ItemEvent> {
  const held = linkedAbort();
  void keepLease(item, held, desk, how);
  try {
    const outcome = await outcomeOf(item, held.signal, desk);
    if (held.signal.aborted) throw held.signal.reason;
    return await tell(item, outcome, desk);
  } catch (cause) {
    if (endsAgent(cause)) desk.life.abort(cause);
    return { type: "lost", message: item.message, cause };
  } finally {
    held.abort(undefined);
  }
}

const LONGEST_RETRY_SECONDS = 300;

/** Delay before a failed item is tried again: it doubles with each attempt, with up to a quarter of jitter. */
function retryOf({ attempt }: Claimed["claim"], { retries, timing }: Desk): Omit<Fail, "token" | "error"> {
  if (retries !== undefined && attempt > retries) return { final: true };
  const plain = Math.min(LONGEST_RETRY_SECONDS, 2 ** (attempt - 1));
  const moved = Math.round(plain * (0.75 + timing.random() / 2));
  return { retryAfterSeconds: Math.min(LONGEST_RETRY_SECONDS, Math.max(1, moved)) };
}

/** Runs the handler, whose signal fires with either of the two. */
async function outcomeOf(item: Claimed, held: AbortSignal, desk: Desk): Promise<Outcome> {
  const { message, claim, posts, task } = item;
  const stopping = desk.life.signal;
  if (stopping.aborted) return STOPPING;
  const either = linkedAbort(stopping);
  held.addEventListener("abort", () => either.abort(held.reason), { once: true });
  try {
    return { verb: "complete", result: await desk.handler(message, { signal: either.signal, claim, posts, task }) };
  } catch (error) {
    return stopping.aborted && !knowsItsEnd(error) ? STOPPING : failureOf(error, item, desk);
  } finally {
    either.dispose();
  }
}

/** Outcome of a handler, which counts also while the worker stops. */
const knowsItsEnd = (error: unknown): boolean =>
  error instanceof Release || (error instanceof Failure && error.how.failure !== undefined);

const STOPPING: Outcome = { verb: "release", reason: "the worker is stopping" };

function failureOf(error: unknown, { claim }: Claimed, desk: Desk): Outcome {
  const text = headOf(error instanceof Error ? error.message : String(error), ERROR_BYTES) || "failed without a word";
  if (error instanceof Release) return { verb: "release", reason: text, delaySeconds: error.delaySeconds };
  const said = error instanceof Failure ? error.how : {};
  return { verb: "fail", error: text, ...(isFinal(said) ? {} : retryOf(claim, desk)), ...said };
}

const isFinal = ({ final, failure = "transient" }: Failure["how"]): boolean =>
  final === true || failure !== "transient";

/** Reports an outcome until the relay answers, so that a restart of the relay loses none. */
async function tell(item: Claimed, outcome: Outcome, desk: Desk): Promise<ItemEvent> {
  const { timing, life } = desk;
  const backoff = createBackoff(timing);
  for (let tries = 1; ; tries++) {
    try {
      return await tellOnce(item, outcome, desk);
    } catch (error) {
      if (outcome.verb === "complete" && isRefused(error)) {
        const refusal = failureOf(new Error(`The result was refused: ${error.message}`), item, desk);
        return tell(item, refusal, desk);
      }
      if (!mayPass(error) || (life.signal.aborted && tries >= LAST_TRIES)) throw error;
      const waitMs = backoff.delay(retryAfterOf(error));
      if (life.signal.aborted) await timing.sleep(Math.min(waitMs, 2_000));
      else await timing.sleep(waitMs, life.signal).catch(() => undefined);
    }
  }
}

/** Whether the relay refuses the result itself. */
const isRefused = (error: unknown): error is RelayProblem =>
  error instanceof RelayProblem && (error.status === 413 || error.status === 422);

async function tellOnce(
  { message: { id }, claim: { token } }: Claimed,
  outcome: Outcome,
  desk: Desk,
): Promise<ItemEvent> {
  const { verbs } = desk;
  const once = { retries: 0, timeoutMs: 10_000 };
  switch (outcome.verb) {
    case "complete": {
      const { message } = await verbs.complete(id, { token, result: outcome.result }, once);
      return { type: "completed", message };
    }
    case "release": {
      const { reason, delaySeconds } = outcome;
      const { message } = await verbs.release(id, { token, reason, delaySeconds }, once);
      return { type: "released", message, reason };
    }
    case "fail": {
      const { verb: _, ...said } = outcome;
      const { message } = await verbs.fail(id, { token, ...said }, once);
      return {
        type: "failed",
        message,
        error: said.error,
        retryAfterSeconds: said.final ? undefined : said.retryAfterSeconds,
      };
    }
  }
}
