import type { ReadTx, Tx } from "./db/database.ts";

/** Runs inside the write that raises the event; an error refuses that write. `undefined`: nothing to do. */
export type InTx<A extends unknown[]> = (tx: Tx, ...args: A) => Promise<unknown> | undefined;
/** Runs once the write is on disk. It must not throw. */
export type AfterCommit<A extends unknown[]> = (...args: A) => unknown;
/** Answers from its reads, and writes nothing. `undefined`, at once or later: no answer. */
// biome-ignore lint/suspicious/noConfusingVoidType: an answerer that only refuses says nothing
export type Answerer<A extends unknown[], R> = (on: ReadTx, ...args: A) => Promise<R | undefined | void> | undefined;

/** Fact told to higher areas, in the order in which they subscribed. */
export interface Event<A extends unknown[]> {
  inTx(...handlers: InTx<A>[]): void;
  afterCommit(...handlers: AfterCommit<A>[]): void;
  /** Runs handlers inside the open write, and the others after its commit. `undefined`: it is done already. */
  raise(tx: Tx, ...args: A): Promise<void> | undefined;
  /** Runs handlers for a fact without a write: a connection, a count. */
  announce(...args: A): void;
}

/** Question of an area to higher areas. */
export interface Question<A extends unknown[], R> {
  answeredBy(...answerers: Answerer<A, R>[]): void;
  /** Every answer, in order; at once when nobody has to look. */
  all(on: ReadTx, ...args: A): Promise<R[]> | readonly R[];
  /** The first answer; at once when nobody has to look. */
  first(on: ReadTx, ...args: A): Promise<R | undefined> | undefined;
}

/** One subscription, as tests of the wiring read it. */
export interface Subscription {
  hook: string;
  phase: "inTx" | "afterCommit" | "answeredBy";
  names: string[];
}

/** Facts of an event, of which there are at most five. */
type Facts = [a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown];

export type Hooks = ReturnType<typeof createHooks>;

/** Makes events and questions. Only `reactions.ts` subscribes, and never after `seal`. */
export function createHooks() {
  const subscriptions: Subscription[] = [];
  let isSealed = false;

  function subscribe<H extends (...args: never[]) => unknown>(
    list: H[],
    hook: string,
    phase: Subscription["phase"],
    handlers: H[],
  ): void {
    if (isSealed) throw new Error(`${hook} is sealed: Subscribe to it in reactions.ts.`);
    list.push(...handlers);
    subscriptions.push({ hook, phase, names: handlers.map((handler) => handler.name) });
  }

  return {
    event<A extends Facts>(name: string): Event<A> {
      // Facts are named one by one: spreading them costs twice as much as handlers that have nothing to do.
      const inside: InTx<Facts>[] = [];
      const after: AfterCommit<Facts>[] = [];
      const announce = (...[a, b, c, d, e]: Facts): void => {
        for (let n = 0; n < after.length; n++) after[n]?.(a, b, c, d, e);
      };
      const tell = (tx: Tx, ...[a, b, c, d, e]: Facts): void => {
        if (after.length > 0) tx.afterCommit(() => announce(a, b, c, d, e));
      };
      function raise(tx: Tx, ...[a, b, c, d, e]: Facts): Promise<void> | undefined {
        // A turn of the microtask queue for each of a dozen handlers is a twentieth of a send: only work is waited for.
        for (let n = 0; n < inside.length; n++) {
          const work = inside[n]?.(tx, a, b, c, d, e);
          if (work !== undefined)
            return goOn(inside, n + 1, work, tx, [a, b, c, d, e]).then(() => tell(tx, a, b, c, d, e));
        }
        tell(tx, a, b, c, d, e);
        return undefined;
      }
      return {
        inTx: (...handlers) => subscribe(inside as unknown as InTx<A>[], name, "inTx", handlers),
        afterCommit: (...handlers) => subscribe(after as unknown as AfterCommit<A>[], name, "afterCommit", handlers),
        raise,
        announce,
      };
    },

    question<A extends unknown[], R>(name: string): Question<A, R> {
      const answerers: Answerer<A, R>[] = [];
      return {
        answeredBy: (...more) => subscribe(answerers, name, "answeredBy", more),
        all(on, ...args) {
          for (let n = 0; n < answerers.length; n++) {
            const answered = answerers[n]?.(on, ...args);
            if (answered !== undefined) return restOf(answerers, n + 1, answered, on, args);
          }
          return NONE;
        },
        first(on, ...args) {
          for (let n = 0; n < answerers.length; n++) {
            const answered = answerers[n]?.(on, ...args);
            if (answered !== undefined) return firstOf(answerers, n + 1, answered, on, args);
          }
          return undefined;
        },
      };
    },

    /** Ends wiring: a later subscription throws. */
    seal(): void {
      isSealed = true;
    },
    /** Every subscription, in order. */
    list: (): readonly Subscription[] => subscriptions,
  };
}

const NONE: readonly never[] = [];

/** Waits for the work of one handler, and runs those from `next` on. */
async function goOn<A extends unknown[]>(
  handlers: readonly InTx<A>[],
  next: number,
  work: Promise<unknown>,
  tx: Tx,
  args: A,
): Promise<void> {
  await work;
  for (let n = next; n < handlers.length; n++) {
    const more = handlers[n]?.(tx, ...args);
    if (more !== undefined) await more;
  }
}

type Answered<R> = NonNullable<ReturnType<Answerer<never[], R>>>;

async function restOf<A extends unknown[], R>(
  answerers: readonly Answerer<A, R>[],
  next: number,
  answered: Answered<R>,
  on: ReadTx,
  args: A,
): Promise<R[]> {
  const first = await answered;
  const answers: R[] = first === undefined ? [] : [first as R];
  for (let n = next; n < answerers.length; n++) {
    const given = await answerers[n]?.(on, ...args);
    if (given !== undefined) answers.push(given as R);
  }
  return answers;
}

async function firstOf<A extends unknown[], R>(
  answerers: readonly Answerer<A, R>[],
  next: number,
  answered: Answered<R>,
  on: ReadTx,
  args: A,
): Promise<R | undefined> {
  const first = await answered;
  if (first !== undefined) return first as R;
  for (let n = next; n < answerers.length; n++) {
    const given = await answerers[n]?.(on, ...args);
    if (given !== undefined) return given as R;
  }
  return undefined;
}
