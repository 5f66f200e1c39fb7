import type { Claimed, ClaimNext } from "../protocol/work.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { claimVerbs } from "./claims.ts";
import { mayPass, RelayUnreachable, retryAfterOf } from "./errors.ts";
import { type ItemEvent, type ItemServices, type WorkHandler, workOn } from "./item.ts";
import { stayOnline } from "./presence.ts";
import { createSlots, type Slots } from "./slots.ts";

/** Events of a worker. `waiting`: the relay could not be asked because of `cause`, and the next try is in `inMs`. */
export type WorkEvent =
  | { type: "claimed"; message: Claimed["message"]; attempt: number }
  | ItemEvent
  | { type: "waiting"; inMs: number; cause: unknown };

export interface WorkOptions {
  handler: WorkHandler;
  /** Agent that works; by default the client's agent, else the token's. */
  agentId?: string;
  /** Only messages of these kinds and topics. */
  kinds?: ClaimNext["kinds"];
  topics?: ClaimNext["topics"];
  /** `parent`: includes the message that a message replies to. */
  include?: "parent";
  /** Seconds until a claim ends without a renewal; 600. It is renewed after a third of that. */
  leaseSeconds?: number;
  /**
   * Retries of an item after a failure; one more failure is final. By default only the item's own `maxAttempts` counts. A failed
   * item comes back after 1 s, 2 s, 4 s, ... at most 5 min, with up to a quarter of jitter, unless the handler sets the time
   * (`Failure`).
   */
  retries?: number;
  /** Claims one item, and resolves after its outcome. */
  once?: boolean;
  /** Resolves when there is no work to claim or under way. Failed items that come back later do not count. */
  exitWhenEmpty?: boolean;
  /** Items at a time; 1. */
  concurrency?: number;
  /** Seconds that the relay may hold one request for work; 30. */
  waitSeconds?: number;
  /**
   * Continues items that the agent holds already, at the start and after a lost answer. Only for an agent that works in one process:
   * items of another process would be done twice.
   */
  resume?: boolean;
  /** Stops the worker: no more claims; it fires the handlers' signals and resolves when they are done. */
  signal?: AbortSignal;
  onEvent?: (event: WorkEvent) => void;
}

/** State that the loop and the items of a worker share. */
interface Worker {
  readonly caller: Caller;
  readonly options: WorkOptions;
  readonly services: ItemServices;
  readonly slots: Slots<number>;
}

/** Least time between two requests with an empty answer. */
const HASTE_MS = 1_000;
/** Time that a stopping worker waits for the answer to its last request, which may have claimed work. */
const PARTING_MS = 1_000;

/**
 * Claims work and runs the handler for each item, until `signal` fires, or `once` or `exitWhenEmpty` is fulfilled. Survives restarts of
 * the relay. Rejects with errors that waiting does not cure: `RelayProblem` (superseded, 401, 403, 404), `RelayMismatch`; the handlers'
 * signals fire before that.
 */
export async function work(caller: Caller, options: WorkOptions): Promise<void> {
  const life = linkedAbort(options.signal);
  const { handler, leaseSeconds = 600, retries } = options;
  const concurrency = options.once ? 1 : Math.max(1, options.concurrency ?? 1);
  const services: ItemServices = {
    verbs: claimVerbs(caller),
    timing: caller.timing,
    leaseSeconds,
    handler,
    retries,
    life,
  };
  const slots = createSlots<number>(concurrency);
  let isDone = false;
  try {
    await claimOn({ caller, options, services, slots });
    isDone = true;
  } catch (error) {
    // The first reason counts: an item may have ended the worker's life before its loop noticed.
    if (!life.signal.aborted) life.abort(error);
  }
  await slots.whenEmpty();
  isDone &&= !life.signal.aborted;
  if (isDone) life.abort(undefined);
  life.dispose();
  if (isDone) return;
  if (!options.signal?.aborted || options.signal.reason !== life.signal.reason) throw life.signal.reason;
}

/** Rejects, or resolves when it has claimed everything that was asked for. */
async function claimOn(worker: Worker): Promise<void> {
  const { caller, options, services, slots } = worker;
  const { signal } = services.life;
  const backoff = createBackoff(services.timing);
  let agentId: string | undefined;
  let resume = options.resume;
  for (;;) {
    try {
      agentId ??= await begin(worker);
      if (resume) await takeUpHeld(worker, agentId);
      resume = false;
      if (options.once && !slots.isEmpty()) return;
      await slots.whenFree();
      const items = await askForWork(worker, agentId);
      for (const item of items) start(worker, item);
      backoff.reset();
      if (options.once && items.length > 0) return;
      if (!options.exitWhenEmpty || items.length > 0) continue;
      if (slots.isEmpty()) return;
      // A running handler may still release its item, to be claimed again.
      await slots.whenEmpty();
    } catch (cause) {
      if (signal.aborted || !mayPass(cause)) throw cause;
      resume ||= options.resume && cause instanceof RelayUnreachable;
      const inMs = Math.round(backoff.delay(retryAfterOf(cause)));
      options.onEvent?.({ type: "waiting", inMs, cause });
      await caller.timing.sleep(inMs, signal);
    }
  }
}

async function begin({ caller, options, services }: Worker): Promise<string> {
  const agentId = await caller.self({ ...options, signal: services.life.signal });
  void stayOnline(caller, agentId, services.life);
  return agentId;
}

async function askForWork({ options, services, slots }: Worker, agentId: string): Promise<Claimed[]> {
  const { timing, leaseSeconds, verbs, life } = services;
  const { kinds, topics, include, exitWhenEmpty } = options;
  const waitSeconds = exitWhenEmpty ? 0 : (options.waitSeconds ?? 30);
  life.signal.throwIfAborted();
  const asked = timing.now();
  const max = Math.max(1, Math.min(100, slots.free));
  const question = { max, leaseSeconds, waitSeconds, kinds, topics, include };
  const { items } = await untilParted(services, (signal) => verbs.claimNext(question, { agentId, signal, retries: 0 }));
  if (items.length === 0 && !exitWhenEmpty && timing.now() - asked < HASTE_MS)
    await timing.sleep(HASTE_MS, life.signal);
  return items;
}

/** Call that is aborted only some time after the worker's life has ended. */
async function untilParted<T>({ life, timing }: ItemServices, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = linkedAbort();
  const part = () => {
    timing.sleep(PARTING_MS, own.signal).then(
      () => own.abort(life.signal.reason),
      () => undefined,
    );
  };
  life.signal.addEventListener("abort", part, { once: true });
  try {
    return await call(own.signal);
  } finally {
    own.abort(undefined);
    life.signal.removeEventListener("abort", part);
  }
}

async function takeUpHeld(worker: Worker, agentId: string): Promise<void> {
  const { services, slots, options } = worker;
  const { items } = await services.verbs.held({ agentId, include: options.include, signal: services.life.signal });
  for (const item of items) {
    if (!slots.has(item.message.id)) start(worker, item, { resumed: true });
  }
}

function start({ options, services, slots }: Worker, item: Claimed, how: { resumed?: boolean } = {}): void {
  options.onEvent?.({ type: "claimed", message: item.message, attempt: item.claim.attempt });
  const done = workOn(item, services, how).then((event) => options.onEvent?.(event));
  slots.take(item.message.id, done);
}
