import { linkedAbort } from "./abort.ts";
import { endsAgent, RelayProblem, retryAfterOf } from "./errors.ts";
import type { Timing } from "./timing.ts";
import { type Call, TRY_AGAIN, worthRepeating } from "./transport.ts";
import { afterTurn } from "./turn.ts";

/** Calls of one kind, each with an item, that go as one request where several are asked for in one turn. */
export interface Kind<I, R> {
  /** The plain call. */
  alone(item: I, call: Call): Promise<R>;
  /** One request for several items; the outcome of each in its place. Rejects when the request was refused as a whole. */
  all(items: readonly I[], call: Call): Promise<readonly (R | RelayProblem)[]>;
  /** Items with different words never share a request. */
  apart?(item: I): string;
  /** Characters of the item in a request. */
  size(item: I): number;
}

interface Asked<I, R> {
  readonly item: I;
  readonly call: Call;
  resolve(answer: R | Promise<R>): void;
  reject(error: unknown): void;
  /** Stops listening to the call's signal. */
  dispose(): void;
  isOver: boolean;
}

const MAX_ITEMS = 1000;
/** A request may have 8 MiB, and a character takes 3 bytes at most. */
const MAX_CHARACTERS = Math.floor((8 * 1024 * 1024) / 3) - 1024;
/** Items of a request whose answers are given in two turns. */
const HALVED_ITEMS = 32;
/** Wait before an item that the relay was too busy for goes again. */
const AGAIN_MS = 250;

/**
 * Gathers calls of one turn of the event loop. One alone is the plain call; several go as one request, and each promise settles by the
 * outcome of its own item. A call that is aborted before is left out; one that is aborted later rejects, and the others go on.
 */
export function createTogether<I, R>(kind: Kind<I, R>, timing: Timing) {
  const waiting = new Map<string, Asked<I, R>[]>();
  let underWay = 0;

  function flush(): void {
    const groups = [...waiting.values()];
    waiting.clear();
    for (const group of groups) {
      const asked = group.filter(({ isOver }) => !isOver);
      for (const part of parts(asked, ({ item }) => kind.size(item))) {
        if (part.length > 1) void go(part);
        else part.forEach(alone);
      }
    }
  }

  function alone(asked: Asked<I, R>): void {
    asked.dispose();
    asked.resolve(kind.alone(asked.item, asked.call));
  }

  async function go(part: readonly Asked<I, R>[]): Promise<void> {
    const link = linkedAbort();
    const stop = () => {
      if (part.every(({ isOver }) => isOver)) link.abort(undefined);
    };
    for (const { call } of part) call.signal?.addEventListener("abort", stop, { once: true });
    underWay++;
    try {
      const outcomes = await kind.all(
        part.map(({ item }) => item),
        { ...part[0]?.call, signal: link.signal },
      );
      settleAll(part, outcomes);
    } catch (error) {
      for (const asked of part) {
        if (asked.isOver) continue;
        if (isOfOne(error)) alone(asked);
        else asked.reject(error);
      }
    } finally {
      underWay--;
      for (const { call } of part) call.signal?.removeEventListener("abort", stop);
    }
  }

  /**
   * Settles the calls of a request. Where no other request is under way, the second half of many waits until what the first half asks
   * for next has gone: its own goes as another request, and the relay works on one while the answers to the other are read.
   */
  function settleAll(part: readonly Asked<I, R>[], outcomes: readonly (R | RelayProblem)[]): void {
    const isHalved = underWay === 1 && part.length >= HALVED_ITEMS;
    const half = isHalved ? part.length >> 1 : part.length;
    const settlePart = (from: number, to: number) => {
      for (const [index, asked] of part.slice(from, to).entries()) settle(asked, outcomes[from + index]);
    };
    settlePart(0, half);
    // Calls that the first half makes next go after this turn.
    if (isHalved) afterTurn(() => afterTurn(() => settlePart(half, part.length)));
  }

  function settle(asked: Asked<I, R>, outcome: R | RelayProblem | undefined): void {
    if (asked.isOver) return;
    if (!(outcome instanceof RelayProblem)) asked.resolve(outcome as R);
    else if (asked.call.retries !== 0 && worthRepeating(outcome)) asked.resolve(again(asked, outcome));
    else asked.reject(outcome);
  }

  /** The relay was too busy for this one alone: the plain call goes on trying. */
  async function again({ item, call }: Asked<I, R>, problem: RelayProblem): Promise<R> {
    await timing.sleep(retryAfterOf(problem) || AGAIN_MS, call.signal);
    return kind.alone(item, call);
  }

  return (item: I, call: Call = {}): Promise<R> =>
    new Promise((resolve, reject) => {
      if (call.signal?.aborted) throw call.signal.reason;
      const key = JSON.stringify([call.run, call.timeoutMs, call.retries, kind.apart?.(item)]);
      const group = waiting.get(key) ?? [];
      if (waiting.size === 0) afterTurn(flush);
      waiting.set(key, group);
      group.push(askedFor(item, call, resolve, reject));
    });
}

function askedFor<I, R>(
  item: I,
  call: Call,
  resolve: (answer: R | Promise<R>) => void,
  reject: (error: unknown) => void,
): Asked<I, R> {
  const end =
    <T>(settle: (value: T) => void) =>
    (value: T) => {
      asked.isOver = true;
      asked.dispose();
      settle(value);
    };
  const stop = () => asked.reject(call.signal?.reason);
  const asked: Asked<I, R> = {
    ...{ item, call, resolve: end(resolve), reject: end(reject), isOver: false },
    dispose: () => call.signal?.removeEventListener("abort", stop),
  };
  call.signal?.addEventListener("abort", stop, { once: true });
  return asked;
}

/**
 * Whether the refusal of a whole request may be about one of its items, or be that of a relay that does not know the request. Each item
 * then goes alone, and is answered as it would have been.
 */
const isOfOne = (error: unknown): boolean =>
  error instanceof RelayProblem && !endsAgent(error) && !TRY_AGAIN.includes(error.status);

/** Parts of a list that a request has room for. */
function parts<T>(list: readonly T[], size: (one: T) => number): T[][] {
  const made: T[][] = [];
  let room = 0;
  for (const one of list) {
    const takes = size(one) + 1;
    const part = made.at(-1);
    if (part && part.length < MAX_ITEMS && takes <= room) part.push(one);
    else {
      made.push([one]);
      room = MAX_CHARACTERS;
    }
    room -= takes;
  }
  return made;
}
