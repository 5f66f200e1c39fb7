import type { Claimed, ClaimNext } from "../messages/schema.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import { type Bench, createBench } from "./bench.ts";
import type { Caller } from "./caller.ts";
import { claimVerbs } from "./claims.ts";
import { mayPass, RelayUnreachable, retryAfterOf } from "./errors.ts";
import { type Desk, type ItemEvent, type WorkHandler, workOn } from "./item.ts";
import { stayOnline } from "./presence.ts";

/** What happens while working. `waiting`: the relay could not be asked because of `cause`; the next try is `inMs` away. */
export type WorkEvent =
  | { type: "claimed"; message: Claimed["message"]; attempt: number }
  | ItemEvent
  | { type: "waiting"; inMs: number; cause: unknown };

export interface WorkOptions {
  handler: WorkHandler;
  /** Who works; the client's agent, else the token's. */
  agentId?: string;
  /** Only messages of these kinds and topics. */
  kinds?: ClaimNext["kinds"];
  topics?: ClaimNext["topics"];
  /** How long a claim holds without a word from us; 600. It is renewed at a third of that. */
  leaseSeconds?: number;
  /** How many items at a time; 1. */
  concurrency?: number;
  /** How long the relay may hold one question for work; 30. */
  waitSeconds?: number;
  /**
   * Takes up what the agent holds already, at the start and when an answer was lost. Only for an agent that works in one
   * process: another's items would be done twice.
   */
  resume?: boolean;
  /** Stops: claims nothing more, fires the handlers' signals, and resolves when they are done. */
  signal?: AbortSignal;
  onEvent?: (event: WorkEvent) => void;
}

/** One worker: what its loop and its items share. */
interface Worker {
  readonly caller: Caller;
  readonly options: WorkOptions;
  readonly desk: Desk;
  readonly bench: Bench;
}

/** An empty answer that came sooner than this was not waited for: ask no faster. */
const HASTE_MS = 1_000;
/** A worker that stops gives the answer to its last question this long to arrive: it may hold work already. */
const PARTING_MS = 1_000;

/**
 * Claims work and has it done, until `signal` fires. Lives through restarts of the relay. Rejects with what waiting cannot
 * cure: `RelayProblem` (superseded, 401, 403, 404), `RelayMismatch`; the handlers' signals fire before that.
 */
export async function work(caller: Caller, options: WorkOptions): Promise<void> {
  const life = linkedAbort(options.signal);
  const { handler, leaseSeconds = 600, concurrency = 1 } = options;
  const desk: Desk = { verbs: claimVerbs(caller), timing: caller.timing, leaseSeconds, handler, life };
  const bench = createBench(concurrency);
  try {
    await claimForEver({ caller, options, desk, bench });
  } catch (error) {
    // The first reason stands: an item may have ended the worker's life before its loop noticed.
    if (!life.signal.aborted) life.abort(error);
  }
  await bench.empty();
  life.dispose();
  if (!options.signal?.aborted || options.signal.reason !== life.signal.reason) throw life.signal.reason;
}

/** Ends only by rejecting. */
async function claimForEver(worker: Worker): Promise<never> {
  const { caller, options, desk, bench } = worker;
  const { signal } = desk.life;
  const backoff = createBackoff(desk.timing);
  let agentId: string | undefined;
  let resume = options.resume;
  for (;;) {
    try {
      agentId ??= await begin(worker);
      if (resume) await takeUpHeld(worker, agentId);
      resume = false;
      await bench.seat();
      for (const item of await askForWork(worker, agentId)) start(worker, item);
      backoff.reset();
    } catch (cause) {
      if (signal.aborted || !mayPass(cause)) throw cause;
      resume ||= options.resume && cause instanceof RelayUnreachable;
      const inMs = Math.round(backoff.delay(retryAfterOf(cause)));
      options.onEvent?.({ type: "waiting", inMs, cause });
      await caller.timing.sleep(inMs, signal);
    }
  }
}

async function begin({ caller, options, desk }: Worker): Promise<string> {
  const agentId = await caller.self({ ...options, signal: desk.life.signal });
  void stayOnline(caller, agentId, desk.life);
  return agentId;
}

async function askForWork({ options, desk, bench }: Worker, agentId: string): Promise<Claimed[]> {
  const { timing, leaseSeconds, verbs, life } = desk;
  const { kinds, topics, waitSeconds = 30 } = options;
  life.signal.throwIfAborted();
  const asked = timing.now();
  const question = { max: Math.max(1, Math.min(100, bench.free)), leaseSeconds, waitSeconds, kinds, topics };
  const { items } = await untilParted(desk, (signal) => verbs.claimNext(question, { agentId, signal, retries: 0 }));
  if (items.length === 0 && timing.now() - asked < HASTE_MS) await timing.sleep(HASTE_MS, life.signal);
  return items;
}

/** A call that is cut off only some time after the worker's life has ended. */
async function untilParted<T>({ life, timing }: Desk, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
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
  const { desk, bench } = worker;
  const { items } = await desk.verbs.held({ agentId, signal: desk.life.signal });
  for (const item of items) {
    if (!bench.has(item.message.id)) start(worker, item, { resumed: true });
  }
}

function start({ options, desk, bench }: Worker, item: Claimed, how: { resumed?: boolean } = {}): void {
  options.onEvent?.({ type: "claimed", message: item.message, attempt: item.claim.attempt });
  const done = workOn(item, desk, how).then((event) => options.onEvent?.(event));
  bench.take(item.message.id, done);
}
