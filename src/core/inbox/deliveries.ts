import { type Caller, isPerson } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Span } from "../../protocol/ids.ts";
import type { LogEntry } from "../messages/entry.ts";
import { isForInbox } from "../messages/row.ts";
import type { DeliveryRow } from "./row.ts";
import type { InboxStore } from "./store.ts";

/** One connection (or all polls of one instance), as deliveries are recorded for it. */
export interface Receiver {
  agentId: string;
  instanceId: string | null;
  connection: string;
  transport: DeliveryRow["transport"];
}

interface Range {
  to: Receiver;
  afterId: number;
  upToId: number;
  at: number;
}

const SAVE_EVERY_MS = 1000;
const SAVE_SLICE = 200;
const MAX_RANGES = 2000;
/** The first range that covers an entry is among the nearest. */
const NEAREST = 40;
/** Ranges that wait to be written, while the database takes none. */
const MAX_KEPT = 50_000;

type Seer = Pick<Caller, "agentId" | "instanceId" | "role">;
type Seen = Pick<LogEntry, "id" | "from" | "target">;

const covers = ({ afterId, upToId }: Pick<DeliveryRow, "afterId" | "upToId">, id: number): boolean =>
  afterId < id && id <= upToId;

export type Deliveries = ReturnType<typeof createDeliveries>;

/**
 * Ranges of the log that were handed to the kernel for each agent, written at most once a second. After a crash the last
 * second is missing, so a record says "at least".
 */
type Parts = Pick<Kernel, "db" | "clock" | "hooks" | "onError">;

export function createDeliveries({ db, clock, hooks, onError }: Parts, store: InboxStore) {
  let pending: Range[] = [];
  let saving: Range[] = [];
  let saves: Promise<void> = Promise.resolve();
  const open = new Map<string, Range>();
  /** The newest unbroken stretch offered to each agent, over all its connections. */
  const stretches = new Map<string, { afterId: number; upToId: number }>();
  /** The newest entry noted for each agent since the start. */
  const newest = new Map<string, number>();
  let timer: (() => void) | undefined;
  /**
   * Entries were handed over by a transport. `ageMs`: age of the oldest, if the agent has not had them before. `span`: where
   * they lie, unless the connection's range covers them already.
   */
  const noted =
    hooks.event<
      [transport: string, entries: number, ageMs: number | undefined, agentId: string, span: Span | undefined]
    >("deliveries.noted");

  /** Saves one after the other. Ranges that could not be written stay, and go first the next time. */
  function save(): Promise<void> {
    timer = undefined;
    saving = saving.concat(pending).slice(-MAX_KEPT);
    pending = [];
    open.clear();
    saves = saves.then(write).catch(onError);
    return saves;
  }

  async function write(): Promise<void> {
    while (saving.length) {
      const slice = saving.slice(0, SAVE_SLICE);
      await db.background(async (tx) => {
        for (const { to, afterId, upToId, at } of slice) await store.addDelivery(tx, { ...to, afterId, upToId, at });
      });
      const written = new Set(slice);
      saving = saving.filter((range) => !written.has(range));
    }
  }

  function stretch({ agentId, transport }: Receiver, { after: afterId, upTo: upToId }: Span): void {
    newest.set(agentId, Math.max(newest.get(agentId) ?? 0, upToId));
    const known = stretches.get(agentId);
    if (known && afterId <= known.upToId && upToId >= known.afterId) {
      known.afterId = Math.min(known.afterId, afterId);
      known.upToId = Math.max(known.upToId, upToId);
    } else if (transport !== "lookup") stretches.set(agentId, { afterId, upToId });
  }

  /** The ranges that reach beyond `after`, those not yet written included, nearest first. */
  async function beyond(on: ReadTx, agentId: string, after: number, limit = MAX_RANGES): Promise<DeliveryRow[]> {
    const stored = await store.deliveriesBeyond(on, agentId, after, limit);
    const fresh = [...saving, ...pending]
      .filter((range) => range.to.agentId === agentId && range.upToId > after)
      .map(({ to, afterId, upToId, at }) => ({ ...to, afterId, upToId, at }));
    return [...stored, ...fresh];
  }

  /** Answers, for one agent and within one transaction, which entries any route handed to it or it acknowledged. */
  function reader(on: ReadTx, agentId: string) {
    let known: { cursor: number; upTo: number } | undefined;
    const bounds = () => {
      if (known) return known;
      const { cursor, upTo } = store.handed(on, agentId);
      known = { cursor, upTo: Math.max(upTo, newest.get(agentId) ?? 0) };
      return known;
    };
    return {
      /** Whether it was ever handed anything. */
      any: (): boolean => bounds().upTo > 0,
      /** The newest entry that may have been handed over or acknowledged; 0 for none. */
      upTo: (): number => Math.max(bounds().upTo, bounds().cursor, stretches.get(agentId)?.upToId ?? 0),
      async has(id: number): Promise<boolean> {
        const sure = stretches.get(agentId);
        if (sure && sure.afterId < id && id <= sure.upToId) return true;
        if (id <= bounds().cursor) return true;
        if (id > bounds().upTo) return false;
        const ranges = await beyond(on, agentId, id - 1, NEAREST);
        return ranges.some((range) => covers(range, id) && range.transport !== "named");
      },
    };
  }

  function surelyCovered(agentId: string, { after, upTo }: Span): boolean {
    const known = stretches.get(agentId);
    return known !== undefined && known.afterId <= after && known.upToId >= upTo;
  }

  /** Notes that all entries for this agent in a span were handed over. `oldestAt`: when the first of them was made. */
  function note(to: Receiver, span: Span, entries: number, oldestAt?: number): void {
    const isNew = oldestAt !== undefined && !surelyCovered(to.agentId, span);
    const isRecorded = record(to, span);
    if (isRecorded) stretch(to, span);
    const ageMs = isNew ? clock.now() - oldestAt : undefined;
    noted.announce(to.transport, entries, ageMs, to.agentId, isRecorded ? span : undefined);
  }

  /** @returns false when the connection's open range covers it already. */
  function record(to: Receiver, { after: afterId, upTo: upToId }: Span): boolean {
    const at = clock.now();
    const last = open.get(to.connection);
    const isKnown = last !== undefined && last.afterId <= afterId && upToId <= last.upToId;
    if (isKnown) return false;
    if (last && last.upToId === afterId) {
      last.upToId = upToId;
      last.at = at;
    } else {
      const range: Range = { to, afterId, upToId, at };
      open.set(to.connection, range);
      pending.push(range);
    }
    timer ??= clock.after(SAVE_EVERY_MS, () => void save());
    return true;
  }

  /** Ids of the entries that are the agent's mail and that no route is known to have handed over, ascending. */
  async function unseen(on: ReadTx, agentId: string, entries: readonly Seen[]): Promise<number[]> {
    const known = reader(on, agentId);
    const ids = new Set<number>();
    for (const { id, from, target } of entries)
      if (isForInbox(agentId, { id, fromId: from, target }) && !(await known.has(id))) ids.add(id);
    return [...ids].sort((a, b) => a - b);
  }

  /** Ascending, so that neighbours share a range. */
  function noteIds({ agentId, instanceId }: Pick<Receiver, "agentId" | "instanceId">, ids: readonly number[]): void {
    const to = { agentId, instanceId, connection: `lookup:${agentId}`, transport: "lookup" } as const;
    for (const id of ids) note(to, { after: id - 1, upTo: id }, 1);
  }

  return {
    note,
    reader,

    /** Notes entries that an agent was shown outside its inbox. Its own messages do not count as received. */
    async noteSeen(on: ReadTx, caller: Seer, entries: readonly Seen[]): Promise<void> {
      const { agentId, instanceId } = caller;
      if (agentId === null || isPerson(caller)) return;
      noteIds({ agentId, instanceId }, await unseen(on, agentId, entries));
    },
    unseen,
    noteIds,

    /**
     * Notes a message that an agent named as a cause: it received it by a way the relay does not see. Only `explain` shows
     * it: the loop rule counts entries that were handed over.
     */
    async noteNamed(on: ReadTx, caller: Seer, entry: Seen): Promise<void> {
      const { agentId, instanceId } = caller;
      if (agentId === null || isPerson(caller)) return;
      const to = { agentId, instanceId, connection: `named:${agentId}`, transport: "named" } as const;
      const [id] = await unseen(on, agentId, [entry]);
      if (id === undefined || (await beyond(on, agentId, id - 1, NEAREST)).some((range) => covers(range, id))) return;
      record(to, { after: id - 1, upTo: id });
    },

    /** Whether (after, upTo] is known to have been offered without asking the database. */
    surelyCovered,

    beyond,

    noted,

    /** Resolves when no saving is under way. */
    settled: (): Promise<void> => saves,
    async stop(): Promise<void> {
      timer?.();
      await save();
    },
  };
}
