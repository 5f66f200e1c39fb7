import { and, asc, desc, gt, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { ReadTx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readValues } from "../../kernel/db/reads.ts";
import { pick } from "../../kernel/db/statements.ts";
import type { ByTarget } from "./by-target.ts";
import type { Filter, Found, IdRange } from "./filter.ts";
import type { Candidate } from "./row.ts";
import { conditions } from "./store-lists.ts";
import { messages } from "./tables.ts";

/** Log entries read at once for a reader with very many memberships. */
const MAX_WINDOW = 20_000;

const within = (range: IdRange): SQL | undefined =>
  and(
    range.before === undefined ? undefined : lt(messages.id, range.before),
    range.after === undefined ? undefined : gt(messages.id, range.after),
  );

const spanOf = ({ after = 0, before = Number.MAX_SAFE_INTEGER }: IdRange) => ({ after, upTo: before - 1 });

const endOf = ({ oldestFirst }: IdRange) => (oldestFirst ? "oldest" : "newest");

const idsOf = (found: readonly Candidate[]): number[] => found.map(({ id }) => id);

const orderOf = ({ oldestFirst }: IdRange): SQL => (oldestFirst ? asc(messages.id) : desc(messages.id));

/** Candidates for lists and searches: ids by one index, and those of them that pass filters. */
export function createCandidates(byTarget: ByTarget) {
  const filtered = async (on: ReadTx, ids: readonly number[], filters: SQL[], range: IdRange, limit: number) =>
    readValues(on, messages.id, and(inIds(messages.id, ids), ...filters), { orderBy: orderOf(range), limit });

  /** At most `limit` ids by one index, newest (or oldest) first; where that ends, filters have not been applied yet. */
  async function candidates(on: ReadTx, drive: SQL, range: IdRange, limit: number): Promise<Found> {
    const ids = readValues(on, messages.id, and(drive, within(range)), { orderBy: orderOf(range), limit });
    return endingAt(ids, limit);
  }

  return {
    candidates,
    /** At most `limit` ids for any of these targets, newest (or oldest) first. */
    candidatesFor: async (on: ReadTx, targets: readonly string[], range: IdRange, limit: number): Promise<Found> => {
      const span = spanOf(range);
      const ranges = targets.map((target) => ({ target, ...span }));
      return endingAt(idsOf(byTarget.inRanges(on, ranges, limit, endOf(range))), limit);
    },
    /** The same for every target an agent belonged to at the append, among the next 20,000 entries. */
    candidatesOf: async (on: ReadTx, agentId: string, range: IdRange, limit: number): Promise<Found> => {
      const { after = 0, oldestFirst } = range;
      const head =
        on.db
          .select({ id: sql<number | null>`max(${messages.id})` })
          .from(messages)
          .get()?.id ?? 0;
      const before = Math.min(range.before ?? head + 1, head + 1);
      const from = oldestFirst ? after : Math.max(after, before - MAX_WINDOW);
      const to = oldestFirst ? Math.min(before, after + MAX_WINDOW) : before;
      const span = { after: from, upTo: to - 1 };
      const ids = idsOf(await byTarget.ofMember(on, agentId, span, limit, endOf(range)));
      if (ids.length === limit) return { ids, reached: ids.at(-1) ?? null };
      const isEnd = oldestFirst ? to >= before : from <= after;
      return { ids, reached: isEnd ? null : oldestFirst ? to - 1 : from + 1 };
    },
    /** Messages of one sender among the next `limit` entries of all senders. */
    scanSender: async (on: ReadTx, sender: string, range: IdRange, limit: number): Promise<Found> => {
      const entries = on.db
        .select(pick(messages, "id", "fromId"))
        .from(messages)
        .where(within(range));
      const some = entries.orderBy(orderOf(range)).limit(limit).all();
      const ids = some.filter((row) => row.fromId === sender).map((row) => row.id);
      return { ids, reached: some.length < limit ? null : (some.at(-1)?.id ?? null) };
    },
    /** Candidates that pass the filters. */
    filtered,
    /** Ids among these whose messages match a filter, without checking readers. */
    matching: (on: ReadTx, ids: readonly number[], filter: Filter, range: IdRange, limit: number) =>
      filtered(on, ids, conditions(filter, null), range, limit),
    /** From an operator's point of view: everything is a candidate. */
    anything: sql`true`,
    unexpired: (now: number): SQL => or(isNull(messages.expiresAt), gt(messages.expiresAt, now)) ?? sql`true`,
  };
}

/** Ids of a search that ends where `limit` of them were found. */
const endingAt = (ids: number[], limit: number): Found => ({
  ids,
  reached: ids.length < limit ? null : (ids.at(-1) ?? null),
});
