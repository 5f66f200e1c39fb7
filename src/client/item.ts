import type { Message } from "../protocol/messages.ts";
import type { Claimed, Complete, Fail } from "../protocol/work.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import { endsAgent, Failure, mayPass, RelayProblem, Release, retryAfterOf } from "./errors.ts";
import { keepLease, type LeaseServices } from "./lease.ts";
import { headOf } from "./text.ts";

/** Result of a handler: text, a whole result, or nothing. */
export type WorkResult = Complete["result"];

/**
 * Does one item of work. Its result completes the item, a thrown `Release` releases it, and any other error fails it. `signal` fires
 * when the lease is lost (another holder may have the item now), and when the worker stops.
 */
export type WorkHandler = (message: Message, held: Held) => WorkResult | Promise<WorkResult>;

/** Context of a handler. `posts`: parts that earlier attempts posted, of a message to a channel; `edits`: those that it changes. */
type Held = Pick<Claimed, "claim" | "posts" | "edits" | "task"> & { signal: AbortSignal };

/** Outcome of an item. `lost`: the relay refused the outcome, for the reason in `cause`. */
export type ItemEvent =
  | { type: "completed"; message: Message }
  | { type: "released"; message: Message; reason: string }
  | { type: "failed"; message: Message; error: string; retryAfterSeconds?: number }
  | { type: "lost"; message: Message; cause: unknown };

/** Services that all items of a worker share. */
export interface ItemServices extends LeaseServices {
  readonly handler: WorkHandler;
  /** Retries after which a failure is final; undefined: the relay's `maxAttempts` alone counts. */
  readonly retries?: number | undefined;
}

type Outcome =
  | { verb: "complete"; result: WorkResult }
  | { verb: "release"; reason: string; delaySeconds?: number }
  | ({ verb: "fail" } & Omit<Fail, "token">);

const ERROR_BYTES = 4096;
/** Tries to report an outcome after the worker stops; after that the lease runs out. */
const LAST_TRIES = 3;

/** Holds an item, runs the handler, and reports the outcome. Never rejects. */
export async function workOn(
  item: Claimed,
  services: ItemServices,
  how: { resumed?: boolean } = {},
): Promise<ItemEvent> {
  const held = linkedAbort();
  void keepLease(item, held, services, how);
  try {
    const outcome = await outcomeOf(item, held.signal, services);
    if (held.signal.aborted) throw held.signal.reason;
    return await report(item, outcome, services);
  } catch (cause) {
    if (endsAgent(cause)) services.life.abort(cause);
    return { type: "lost", message: item.message, cause };
  } finally {
    held.abort(undefined);
  }
}

const LONGEST_RETRY_SECONDS = 300;

/** Delay before a failed item is tried again: it doubles with each attempt, with up to a quarter of jitter. */
function retryOf({ attempt }: Claimed["claim"], { retries, timing }: ItemServices): Omit<Fail, "token" | "error"> {
  if (retries !== undefined && attempt > retries) return { final: true };
  const plain = Math.min(LONGEST_RETRY_SECONDS, 2 ** (attempt - 1));
  const moved = Math.round(plain * (0.75 + timing.random() / 2));
  return { retryAfterSeconds: Math.min(LONGEST_RETRY_SECONDS, Math.max(1, moved)) };
}

/** Runs the handler, whose signal fires with either of the two. */
async function outcomeOf(item: Claimed, held: AbortSignal, services: ItemServices): Promise<Outcome> {
  const { message, claim, posts, edits, task } = item;
  const stopping = services.life.signal;
  if (stopping.aborted) return STOPPING;
  const either = linkedAbort(stopping);
  held.addEventListener("abort", () => either.abort(held.reason), { once: true });
  try {
    return {
      verb: "complete",
      result: await services.handler(message, { signal: either.signal, claim, posts, edits, task }),
    };
  } catch (error) {
    return stopping.aborted && !knowsItsEnd(error) ? STOPPING : failureOf(error, item, services);
  } finally {
    either.dispose();
  }
}

/** Outcome of a handler, which counts also while the worker stops. */
const knowsItsEnd = (error: unknown): boolean =>
  error instanceof Release || (error instanceof Failure && error.how.failure !== undefined);

const STOPPING: Outcome = { verb: "release", reason: "the worker is stopping" };

function failureOf(error: unknown, { claim }: Claimed, services: ItemServices): Outcome {
  const text = headOf(error instanceof Error ? error.message : String(error), ERROR_BYTES) || "failed without a word";
  if (error instanceof Release) return { verb: "release", reason: text, delaySeconds: error.delaySeconds };
  const details = error instanceof Failure ? error.how : {};
  return { verb: "fail", error: text, ...(isFinal(details) ? {} : retryOf(claim, services)), ...details };
}

const isFinal = ({ final, failure = "transient" }: Failure["how"]): boolean =>
  final === true || failure !== "transient";

/** Reports an outcome until the relay answers, so that a restart of the relay loses none. */
async function report(item: Claimed, outcome: Outcome, services: ItemServices): Promise<ItemEvent> {
  const { timing, life } = services;
  const backoff = createBackoff(timing);
  for (let tries = 1; ; tries++) {
    try {
      return await reportOnce(item, outcome, services);
    } catch (error) {
      if (outcome.verb === "complete" && isRefused(error)) {
        const refusal = failureOf(new Error(`The result was refused: ${error.message}`), item, services);
        return report(item, refusal, services);
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

async function reportOnce(
  { message: { id }, claim: { token } }: Claimed,
  outcome: Outcome,
  services: ItemServices,
): Promise<ItemEvent> {
  const { verbs } = services;
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
      const { verb: _, ...details } = outcome;
      const { message } = await verbs.fail(id, { token, ...details }, once);
      return {
        type: "failed",
        message,
        error: details.error,
        retryAfterSeconds: details.final ? undefined : details.retryAfterSeconds,
      };
    }
  }
}
