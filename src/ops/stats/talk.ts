import { type Clock, HOUR_MS } from "../../kernel/clock.ts";
import type { Db, Tx } from "../../kernel/db/database.ts";
import { type CountedMessage, type Edge, under } from "./batch.ts";
import type { StatsStore } from "./store.ts";

/** Time after which what is in memory is stored. */
const SAVE_EVERY_MS = 60_000;
/** Time until a save that failed is tried again. */
const RETRY_MS = 30_000;
/** Edges that are worth a save: the more at once, the more of them share a page of the table. */
const WORTH = 10_000;
/** Messages after which even few edges are stored: a start after a crash reads them again. */
const MAX_MESSAGES = 20_000;
/** Edges that go before other writes instead of waiting for quiet moments. */
const MOST = 50_000;
/** Edges stored in one write. */
const SLICE = 500;

interface Sum {
  messages: number;
  delegations: number;
  lastAt: number;
}

/** Words of programs to programs, and notices: nobody talks. */
const SILENT = new Set(["control", "system"]);

/** Talk between two that is not stored yet. */
class Batch {
  /** Newest message in it; 0 for none. */
  upTo = 0;
  messages = 0;
  /** Number of edges. */
  size = 0;
  readonly #hours = new Map<number, Map<string, Map<string, Sum>>>();

  add({ id, fromId, target, kind, createdAt }: CountedMessage): void {
    this.upTo = id;
    this.messages++;
    if (SILENT.has(kind)) return;
    const targets = under(under(this.#hours, createdAt - (createdAt % HOUR_MS)), fromId);
    const sum = targets.get(target) ?? { messages: 0, delegations: 0, lastAt: createdAt };
    if (sum.messages === 0) {
      this.size++;
      targets.set(target, sum);
    }
    sum.messages++;
    if (kind === "request") sum.delegations++;
    sum.lastAt = Math.max(sum.lastAt, createdAt);
  }

  /** In the order of the table, so that neighbours share its pages. */
  edges(): Edge[] {
    const edges: Edge[] = [];
    for (const [at, senders] of [...this.#hours].sort(([a], [b]) => a - b))
      for (const [from, targets] of byName(senders))
        for (const [target, { messages, delegations, lastAt }] of byName(targets))
          edges.push([from, target, at, messages, delegations, lastAt]);
    return edges;
  }
}

const byName = <V>(map: Map<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

interface Saving {
  edges: readonly Edge[];
  upTo: number;
  /** Number of edges that are stored. */
  done: number;
}

interface Parts {
  db: Db;
  clock: Clock;
  onError(error: unknown): void;
}

export type Talk = ReturnType<typeof createTalk>;

/**
 * Gathers the messages from one to another, and stores them in slices, in order. Stored as they come, each pair would dirty a page of
 * its own. Each slice is stored with how far it reaches, so a start after a crash counts every message once.
 */
export function createTalk({ db, clock, onError }: Parts, store: StatsStore) {
  let current = new Batch();
  let saving: Saving | undefined;
  let isRunning = false;
  let cancelTimer: (() => void) | undefined;
  let saves: Promise<void> = Promise.resolve();

  function changed(): void {
    const isWorth = current.size >= WORTH || current.messages >= MAX_MESSAGES;
    if (isWorth && !isRunning) void save();
    else cancelTimer ??= clock.after(SAVE_EVERY_MS, () => void save());
  }

  /** Stores everything in memory, in quiet moments, unless an answer or a stop waits for it. */
  function save(isAwaited = false): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    isRunning = true;
    saves = saves
      .then(() => storeAll(isAwaited))
      .then(() => {
        isRunning = false;
      })
      .catch((error) => {
        onError(error);
        cancelTimer ??= clock.after(RETRY_MS, () => void save());
      });
    return saves;
  }

  async function storeAll(isAwaited: boolean): Promise<void> {
    for (let next = saving ?? begin(); next; next = saving ?? begin()) {
      const part = next;
      const end = Math.min(part.done + SLICE, part.edges.length);
      const write = isAwaited || current.size >= MOST ? db.write : db.background;
      await write((tx) => storePart(tx, part, end));
      part.done = end;
      if (end === part.edges.length) saving = undefined;
    }
  }

  function begin(): Saving | undefined {
    if (current.upTo === 0) return undefined;
    saving = { edges: current.edges(), upTo: current.upTo, done: 0 };
    current = new Batch();
    return saving;
  }

  async function storePart(tx: Tx, { edges, upTo, done }: Saving, end: number): Promise<void> {
    store.talk(tx, edges.slice(done, end));
    const isLast = end === edges.length;
    if (isLast) store.setMark(tx, "flow", upTo);
    // Unless all fits into one slice, a crash leaves a part.
    if (isLast && done === 0) return;
    store.setMark(tx, "flowTo", isLast ? 0 : upTo);
    store.setMark(tx, "flowDone", isLast ? 0 : end);
  }

  return {
    message(message: CountedMessage): void {
      current.add(message);
      changed();
    },
    /** Takes a message of a part that a crash has stored in part. */
    gather: (message: CountedMessage): void => current.add(message),
    /** All gathered messages are that part: so many of its edges are stored. */
    resume(done: number): void {
      begin();
      if (saving) saving.done = done;
    },
    /** Stores what was counted so far, before it resolves. */
    save: (): Promise<void> => save(true),
  };
}
