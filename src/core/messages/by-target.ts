import type { Membership } from "../../identity/agents/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { KeyTail, Stub } from "../../kernel/log/key-tail.ts";
import type { Candidate } from "./row.ts";
import { type EntryStore, MAIL, type Mail, type TargetRange } from "./store-entries.ts";

/** Recent mail of one target that an agent belongs to now. */
export interface TargetMail {
  target: string;
  /** Newest first. */
  recent: readonly Mail[];
}

/** Part of the log that holds for one read or write. */
interface View {
  /** The stored index holds everything up to here. */
  mark: number;
  /** Newest place that the read or the open write sees. */
  head: number;
  /** The open transaction, whose entries count for its own writes alone; null for a read. */
  transaction: number | null;
}

/** Which end of a range comes first. */
export type Order = "oldest" | "newest";

interface Directory {
  targetsNow(on: ReadTx, agentId: string): readonly string[];
  membershipsBeyond(on: ReadTx, agentId: string, after: number): Promise<Membership[]>;
}

export type ByTarget = ReturnType<typeof createByTarget>;

/**
 * The one way to find messages by target: which are there for these targets between two places. Up to a mark the stored index
 * knows, above it the tail in memory, and above the committed head the open write. Mark and head come from one snapshot.
 */
export function createByTarget(
  { db, headOf }: Pick<Kernel, "db" | "headOf">,
  directory: Directory,
  store: EntryStore,
  tail: KeyTail,
) {
  const views = new WeakMap<ReadTx, View>();

  function viewOf(on: ReadTx): View {
    if ("writes" in on) return { mark: store.mark(on), head: headOf(on), transaction: db.transactions() };
    const known = views.get(on);
    if (known) return known;
    const view = { mark: store.mark(on), head: headOf(on), transaction: null };
    views.set(on, view);
    return view;
  }

  /** Entries above the mark, oldest first; of more than `limit`, those at the asked end. */
  function inMemory(view: View, { target, after, upTo }: TargetRange, limit: number, order: Order): readonly Stub[] {
    const window = { after: Math.max(after, view.mark), upTo: Math.min(upTo, view.head), limit };
    if (window.upTo <= window.after) return [];
    const committed = tail[order](target, window);
    if (view.transaction === null || view.head <= tail.head) return committed;
    const fresh = tail.pending(view.transaction, target, { ...window, after: Math.max(window.after, tail.head) });
    return fresh.length === 0 ? committed : [...committed, ...fresh];
  }

  function allInMemory(view: View, ranges: readonly TargetRange[], limit: number, order: Order): Candidate[] {
    if (view.head <= view.mark) return [];
    const found: Candidate[] = [];
    for (const range of ranges)
      for (const { id, from } of inMemory(view, range, limit, order))
        found.push({ id, fromId: from, target: range.target });
    return found;
  }

  /** Entries of memory and of the stored index, in order and each once. */
  function joined(
    view: View,
    ranges: readonly TargetRange[],
    limit: number,
    order: Order,
    old: (room: number) => Candidate[],
  ): Candidate[] {
    const direction = order === "oldest" ? 1 : -1;
    // Everything in memory follows everything stored, so the second is asked only for what the first leaves.
    if (order === "oldest") {
      const first = old(limit);
      if (first.length >= limit) return first;
      return [...first, ...distinct(allInMemory(view, ranges, limit, order), direction)].slice(0, limit);
    }
    const first = distinct(allInMemory(view, ranges, limit, order), direction).slice(0, limit);
    return first.length >= limit ? first : [...first, ...old(limit - first.length)];
  }

  /** The newest mail of one target after a place, newest first: at most 48 entries. No more than `most` are looked for, but more may come. */
  function recentOf(on: ReadTx, view: View, target: string, after: number, most = MAIL): readonly Mail[] {
    const fresh = inMemory(view, { target, after, upTo: view.head }, most, "newest");
    const old = after < view.mark && fresh.length < most ? store.recent(on, target) : NONE;
    if (fresh.length === 0 && (old.length === 0 || (old.at(-1)?.[0] ?? 0) > after)) return old;
    const recent: Mail[] = [];
    for (let n = fresh.length - 1; n >= 0 && recent.length < most; n--) {
      const { id, from } = fresh[n] as Stub;
      recent.push([id, from]);
    }
    for (const mail of old) {
      if (recent.length >= most || mail[0] <= after) break;
      recent.push(mail);
    }
    return recent;
  }

  return {
    /** Entries in any of these ranges, at most `limit`, from one end. */
    inRanges(on: ReadTx, ranges: readonly TargetRange[], limit: number, order: Order): Candidate[] {
      const view = viewOf(on);
      return joined(view, ranges, limit, order, (room) => {
        const old = ranges.flatMap((range) =>
          range.after < view.mark && range.after < range.upTo
            ? [{ ...range, upTo: Math.min(range.upTo, view.mark) }]
            : [],
        );
        if (old.length === 0) return [];
        return stored(room, (limit) => store.inRanges(on, old, limit, order === "oldest" ? "asc" : "desc"));
      });
    },

    /** The same for all targets that an agent belonged to when the entry was appended. */
    async ofMember(on: ReadTx, agentId: string, span: Omit<TargetRange, "target">, limit: number, order: Order) {
      const view = viewOf(on);
      const { after, upTo } = span;
      const fresh = upTo <= view.mark ? [] : await directory.membershipsBeyond(on, agentId, Math.max(after, view.mark));
      const ranges = fresh.map(({ target, sinceId, untilId }) => ({
        ...{ target, after: Math.max(after, sinceId), upTo: Math.min(upTo, untilId ?? upTo) },
      }));
      return joined(view, ranges, limit, order, (room) => {
        if (after >= view.mark) return [];
        const old = { agentId, after, upTo: Math.min(upTo, view.mark) };
        return stored(room, (limit) => store.ofMember(on, old, limit, order === "oldest" ? "asc" : "desc"));
      });
    },

    /** Mail after a place in the log for an agent and each of its groups: the newest 48 of each. */
    mail(on: ReadTx, agentId: string, after: number): TargetMail[] {
      const view = viewOf(on);
      return directory.targetsNow(on, agentId).map((target) => ({ target, recent: recentOf(on, view, target, after) }));
    },

    /** The newest by one sender among the newest `among` entries of a target after a place. */
    newestFrom(on: ReadTx, sender: string, target: string, after: number, among: number): number | null {
      const view = viewOf(on);
      if (among <= MAIL) {
        const recent = recentOf(on, view, target, after, among);
        for (let n = 0; n < Math.min(among, recent.length); n++) {
          const [id, from] = recent[n] as Mail;
          if (from === sender) return id;
        }
        return null;
      }
      const fresh = inMemory(view, { target, after, upTo: view.head }, among, "newest").slice(-among);
      const found = fresh.findLast(({ from }) => from === sender);
      if (found) return found.id;
      if (fresh.length >= among || after >= view.mark) return null;
      return store.newestFrom(on, sender, { target, after, upTo: view.mark }, among - fresh.length);
    },
  };
}

const NONE: readonly Mail[] = [];

function distinct(found: Candidate[], direction: 1 | -1): Candidate[] {
  return adjacentOnce(found.sort((a, b) => (a.id - b.id) * direction));
}

/** Stored entries, each once: where some came twice, more are read until there are enough. */
function stored(room: number, read: (limit: number) => Candidate[]): Candidate[] {
  for (let limit = room; ; limit *= 2) {
    const found = read(limit);
    const once = adjacentOnce(found);
    if (found.length < limit || once.length >= room) return once.slice(0, room);
  }
}

/** A target may be asked for twice: an agent left a group and came back. */
const adjacentOnce = (found: Candidate[]): Candidate[] => found.filter(({ id }, n) => id !== found[n - 1]?.id);
