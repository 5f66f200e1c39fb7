import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import type { PairStatus } from "../../protocol/pairs.ts";
import { pairs } from "./tables.ts";

export type PairRow = typeof pairs.$inferSelect;

export interface PairFilter {
  /** Agents that are all members: the reader, and the one in the query. */
  members: readonly string[];
  status?: PairStatus | undefined;
}

export type PairStore = ReturnType<typeof createPairStore>;

const isLive = sql`status in ('pending', 'active')`;
const MAX_VISITED = 20_000;

/** Key of two agents, in either order. */
export const coupleOf = (one: string, other: string): string => [one, other].sort().join(" ");

/** Pairs are asked for and ended, not many a second: nothing here is prepared. */
export function createPairStore() {
  return {
    add: async (tx: Tx, row: PairRow): Promise<void> => {
      tx.db.insert(pairs).values(row).run();
    },
    save: async (tx: Tx, row: PairRow): Promise<void> => {
      const { id, status, threadId, reason, endedBy, acceptedAt, acceptedPerson, endedAt, endedPerson } = row;
      const changed = { status, threadId, reason, endedBy, acceptedAt, acceptedPerson, endedAt, endedPerson };
      tx.db.update(pairs).set(changed).where(eq(pairs.id, id)).run();
    },
    byId: async (on: ReadTx, id: string): Promise<PairRow | undefined> =>
      on.db.select().from(pairs).where(eq(pairs.id, id)).get(),
    pendingAmong: async (on: ReadTx, ids: readonly string[]): Promise<Set<string>> =>
      new Set(ids.length === 0 ? [] : readValues(on, pairs.id, and(inIds(pairs.id, ids), sql`status = 'pending'`))),
    live: async (on: ReadTx, couple: string): Promise<PairRow | undefined> =>
      readRows(on, pairs, and(eq(pairs.couple, couple), isLive))[0],
    /** Pending and active ones of an agent whose thread begins no later than `upTo`, on either side. */
    liveOf: async (on: ReadTx, agentId: string, upTo: number, limit: number): Promise<PairRow[]> =>
      readRows(on, pairs, and(ofMember(agentId), isLive, sql`${pairs.threadId} <= ${upTo}`), { limit }),

    /** Newest first. With a member by the index of its pairs; by status among the newest 20,000. */
    page: async (on: ReadTx, filter: PairFilter, before: string | undefined, limit: number): Promise<PairRow[]> => {
      const { members, status } = filter;
      const where = [
        ...members.map(ofMember),
        ...(status === undefined ? [] : [sql`${pairs.status} = ${status}`]),
        ...(before === undefined ? [] : [lt(pairs.id, before)]),
        ...(members.length ? [] : [newest]),
      ];
      return readRows(on, pairs, and(...where), { orderBy: desc(pairs.id), limit });
    },

    /** Deletes some that ended before a time. Answers their number. */
    forget: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, pairs, and(sql`ended_at is not null`, lt(pairs.endedAt, before)), limit),
  };
}

const ofMember = (agentId: string): SQL => sql`(${pairs.requester} = ${agentId} or ${pairs.target} = ${agentId})`;
const newest = sql`id in (select id from pairs order by id desc limit ${sql.raw(String(MAX_VISITED))})`;
