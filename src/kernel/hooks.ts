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
  /** Runs handlers inside the open write, and the others after its commit. */
  raise(tx: Tx, ...args: A): Promise<void>;
  /** Runs handlers for a fact without a write: a connection, a count. */
  announce(...args: A): void;
}

/** Question of an area to higher areas. */
export interface Question<A extends unknown[], R> {
  answeredBy(...answerers: Answerer<A, R>[]): void;
  /** Every answer, in order. */
  all(on: ReadTx, ...args: A): Promise<R[]>;
  /** The first answer. */
  first(on: ReadTx, ...args: A): Promise<R | undefined>;
}

/** One subscription, as tests of the wiring read it. */
export interface Subscription {
  hook: string;
  phase: "inTx" | "afterCommit" | "answeredBy";
  names: string[];
}

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
    event<A extends unknown[]>(name: string): Event<A> {
      const inside: InTx<A>[] = [];
      const after: AfterCommit<A>[] = [];
      const announce = (...args: A): void => {
        for (const handler of after) handler(...args);
      };
      return {
        inTx: (...handlers) => subscribe(inside, name, "inTx", handlers),
        afterCommit: (...handlers) => subscribe(after, name, "afterCommit", handlers),
        async raise(tx, ...args) {
          // A turn of the microtask queue for each of eight handlers is a twentieth of a send: await only work.
          for (const handler of inside) {
            const work = handler(tx, ...args);
            if (work !== undefined) await work;
          }
          if (after.length > 0) tx.afterCommit(() => announce(...args));
        },
        announce,
      };
    },

    question<A extends unknown[], R>(name: string): Question<A, R> {
      const answerers: Answerer<A, R>[] = [];
      return {
        answeredBy: (...more) => subscribe(answerers, name, "answeredBy", more),
        async all(on, ...args) {
          const answers: R[] = [];
          for (const answer of answerers) {
            const answered = answer(on, ...args);
            const given = answered === undefined ? undefined : await answered;
            if (given !== undefined) answers.push(given);
          }
          return answers;
        },
        async first(on, ...args) {
          for (const answer of answerers) {
            const answered = answer(on, ...args);
            const given = answered === undefined ? undefined : await answered;
            if (given !== undefined) return given;
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
