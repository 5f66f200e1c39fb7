import type { ReadTx } from "./tx.ts";

/**
 * Values that writes ask for again and again, by key, held in memory. A write that changes one says so. Reads ask the database,
 * as their snapshot may be older; so does a write that follows a change in the same transaction.
 */
export interface Kept<V, K = string> {
  get(on: ReadTx, key: K): V;
  /** The value as the open write sees it, where memory has it. */
  peek(key: K): V | undefined;
  /** Notes that the open write has changed the value of a key; without a key, of all. */
  forget(key?: K): void;
  /** As `forget`, with the new value. */
  set(key: K, value: V): void;
}

/** A cache as tests compare it with its table. */
export interface KeptValues {
  name: string;
  /** Values of committed state, by key. */
  known(): ReadonlyMap<unknown, unknown>;
  /** The same from the database. */
  load(on: ReadTx, key: never): unknown;
  /** Whether a value is true of what the database says; equal where it is left out. */
  fits?: ((value: never, stored: never) => boolean) | undefined;
}

/** Most values of one cache; beyond that it begins anew. */
const MOST = 20_000;

/** Caches of one database, which follow its transactions. */
export function createKeeper() {
  const all: ReturnType<typeof createOne>[] = [];
  const views: KeptValues[] = [];

  return {
    keep<V, K = string>(
      name: string,
      load: (on: ReadTx, key: K) => V,
      fits?: (value: V, stored: V) => boolean,
    ): Kept<V, K> {
      const one = createOne(load);
      all.push(one as unknown as ReturnType<typeof createOne>);
      views.push({ name, known: one.known, load, fits });
      return one.kept;
    },
    views: views as readonly KeptValues[],
    /** A part of the open transaction was rolled back. */
    undone(): void {
      for (const { undone } of all) undone();
    },
    /** The open transaction has ended; `isStored`: it is on disk. */
    ended(isStored: boolean): void {
      for (const { ended } of all) ended(isStored);
    },
  };
}

function createOne<V, K>(load: (on: ReadTx, key: K) => V) {
  let known = new Map<K, V>();
  /** Keys changed in the open transaction, with the value where the write said it. */
  const changed = new Map<K, V | undefined>();
  let isAllChanged = false;

  function loaded(on: ReadTx, key: K): V {
    const value = load(on, key);
    if (value !== undefined) learn(key, value);
    return value;
  }

  function learn(key: K, value: V): void {
    if (known.size >= MOST) known = new Map();
    known.set(key, value);
  }

  const kept: Kept<V, K> = {
    get(on, key) {
      if (!("writes" in on)) return load(on, key);
      if (changed.size > 0 && changed.has(key)) return changed.get(key) ?? load(on, key);
      if (isAllChanged) return load(on, key);
      const value = known.get(key);
      return value !== undefined ? value : loaded(on, key);
    },
    peek(key) {
      if (changed.size > 0 && changed.has(key)) return changed.get(key);
      return isAllChanged ? undefined : known.get(key);
    },
    forget(key) {
      if (key !== undefined) {
        known.delete(key);
        changed.set(key, undefined);
        return;
      }
      known.clear();
      changed.clear();
      isAllChanged = true;
    },
    set(key, value) {
      changed.set(key, value);
    },
  };
  return {
    kept,
    known: () => known as ReadonlyMap<K, V>,
    undone(): void {
      for (const key of changed.keys()) {
        known.delete(key);
        changed.set(key, undefined);
      }
    },
    ended(isStored: boolean): void {
      if (isStored) for (const [key, value] of changed) if (value !== undefined) learn(key, value);
      changed.clear();
      isAllChanged = false;
    },
  };
}
