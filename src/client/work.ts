import type { Claimed, ClaimNext } from "../protocol/work.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import type { Caller } from "./caller.ts";
import { claimVerbs } from "./claims.ts";
import { mayPass, RelayUnreachable, retryAfterOf } from "./errors.ts";
import { type Desk, type ItemEvent, type WorkHandler, workOn } from "./item.ts";
import { stayOnline } from "./presence.ts";
import { type Bench, createBench } from "./slots.ts";

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
  /** `parent`: what a message replies to goes along with it. */
  include?: "parent";
  /** How long a claim holds without a word from us; 600. It is renewed at a third of that. */
  leaseSeconds?: number;
  /**
   * Retries of an item after a failure; one more failure is final. Left out, the item's own `maxAttempts` is the
   * only bound. A failed item comes back after 1 s, 2 s, 4 s, ... at most 5 min, moved by a quarter at most, unless the handler says
   * when (`Failure`).
   */
  retries?: number;
  /** Takes one item, and resolves when it is dealt with. */
  once?: boolean;
  /** Resolves when there is nothing to claim and nothing under way. What failed and comes back later does not count. */
  exitWhenEmpty?: boolean;
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
 * Claims work and has it done, until `signal` fires, or `once` or `exitWhenEmpty` is fulfilled. Lives through restarts of the relay. Rejects with what waiting cannot
 * cure: `RelayProblem` (superseded, 401, 403, 404), `RelayMismatch`; the handlers' signals fire before that.
 */
export async function work(caller: Caller, options: WorkOptions): Promise<void> {
  const life = linkedAbort(options.signal);
  const { handler, leaseSeconds = 600, retries } = options;
  const concurrency = options.once ? 1 : Math.max(1, options.concurrency ?? 1);
  const desk: Desk = { verbs: claimVerbs(caller), timing: caller.timing, leaseSeconds, handler, retries, life };
  const bench = createBench(concurrency);
  let isDone = false;
  try {
    await claimOn({ caller, options, desk, bench });
    isDone = true;
  } catch (error) {
    // The first reason stands: an item may have ended the worker's life before its loop noticed.
    if (!life.signal.aborted) life.abort(error);
  }
  await bench.empty();
  isDone &&= !life.signal.aborted;
  if (isDone) life.abort(undefined);
  life.dispose();
  if (isDone) return;
  if (!options.signal?.aborted || options.signal.reason !== life.signal.reason) throw life.signal.reason;
}

/** Ends by rejecting, or once it has claimed all that was asked for. */
async function claimOn(worker: Worker): Promise<void> {
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
      if (options.once && !bench.isEmpty()) return;
      await bench.seat();
      const items = await askForWork(worker, agentId);
      for (const item of items) start(worker, item);
      backoff.reset();
      if (options.once && items.length > 0) return;
      if (!options.exitWhenEmpty || items.length > 0) continue;
      if (bench.isEmpty()) return;
      // A running handler may still release its item, to be claimed again.
      await bench.empty();
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
  const { kinds, topics, include, exitWhenEmpty } = options;
  const waitSeconds = exitWhenEmpty ? 0 : (options.waitSeconds ?? 30);
  life.signal.throwIfAborted();
  const asked = timing.now();
  const max = Math.max(1, Math.min(100, bench.free));
  const question = { max, leaseSeconds, waitSeconds, kinds, topics, include };
  const { items } = await untilParted(desk, (signal) => verbs.claimNext(question, { agentId, signal, retries: 0 }));
  if (items.length === 0 && !exitWhenEmpty && timing.now() - asked < HASTE_MS)
    await timing.sleep(HASTE_MS, life.signal);
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
  const { desk, bench, options } = worker;
  const { items } = await desk.verbs.held({ agentId, include: options.include, signal: desk.life.signal });
  for (const item of items) {
    if (!bench.has(item.message.id)) start(worker, item, { resumed: true });
  }
}

function start({ options, desk, bench }: Worker, item: Claimed, how: { resumed?: boolean } = {}): void {
  options.onEvent?.({ type: "claimed", message: item.message, attempt: item.claim.attempt });
  const done = workOn(item, desk, how).then((event) => options.onEvent?.(event));
  bench.take(item.message.id, done);
}
