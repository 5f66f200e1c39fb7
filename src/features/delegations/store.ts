import { createHmac } from "node:crypto";
import { and, asc, eq, lt, lte, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds, inList } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readValues, visitedPage } from "../../kernel/db/reads.ts";
import {
  byTime,
  changeWhere,
  columns,
  columnsWhere,
  countWhere,
  equal,
  everyColumn,
  pick,
  rowsWhere,
} from "../../kernel/db/statements.ts";
import type { DelegationStatus } from "../../protocol/delegations.ts";
import type { DelegationRow } from "./row.ts";
import { delegations } from "./tables.ts";

type Stored = typeof delegations.$inferSelect;
export interface DelegationFilter {
  from?: string | undefined;
  to?: string | undefined;
  status?: DelegationStatus | undefined;
  root?: string | undefined;
}

export type DelegationStore = ReturnType<typeof createDelegationStore>;

/** In the words of the partial indexes: SQLite would not use them for any other. */
const isOpen = sql`status in ('pending', 'claimed')`;
const isBelow = sql`parent_id is not null`;
/** Its request was sent: one that waits for an approval has the deadline of that. */
const isSent = sql`(approval_id is null or first_id is not null)`;

/** Characters of the keyed hash in an id. */
const TAG = 10;

const insert = statement((q) => q.insert(delegations).values(everyColumn(delegations)).prepare());
const byMessage = rowsWhere(delegations, equal(delegations, "messageId"));
const end = changeWhere(
  delegations,
  columns("status", "endedAt", "endedUpTo", "answerId", "answeredBy", "answeredAt", "error", "late"),
  equal(delegations, "messageId"),
);
const hold = changeWhere(delegations, columns("status", "holder"), equal(delegations, "messageId"));
const openTo = rowsWhere(delegations, and(equal(delegations, "target"), isOpen), {
  orderBy: asc(delegations.messageId),
  limit: "limit",
});
const seen = rowsWhere(
  delegations,
  and(
    equal(delegations, "target"),
    isOpen,
    isSent,
    lte(delegations.messageId, bound("upTo")),
    sql`(${bound("threadId")} = 0 or ${delegations.threadId} = ${bound("threadId")})`,
  ),
  { orderBy: asc(delegations.messageId), limit: 2 },
);
const openFrom = rowsWhere(delegations, and(equal(delegations, "fromId"), isOpen), {
  orderBy: asc(delegations.messageId),
  limit: "limit",
});
const openOfRoot = rowsWhere(delegations, and(equal(delegations, "rootId"), isBelow, isOpen), {
  orderBy: asc(delegations.messageId),
  limit: "limit",
});
const countFrom = countWhere(delegations, and(equal(delegations, "fromId"), isOpen));
const countOfRoot = countWhere(delegations, and(equal(delegations, "rootId"), isBelow, isOpen));
const times = byTime(delegations, "deadlineAt", isOpen);
const byFirst = rowsWhere(delegations, and(equal(delegations, "firstId"), sql`first_id is not null`));
const hand = changeWhere(delegations, columns("handedId"), equal(delegations, "messageId"));
const among = columnsWhere(pick(delegations, "messageId"), delegations, inList(delegations.messageId, "ids"));

/** Delegations. @param key secret of this relay, so that ids cannot be guessed */
export function createDelegationStore(key: string) {
  const named = (row: Stored): DelegationRow => ({ ...row, id: idOf(row.firstId ?? row.messageId) });
  const withId = (row: Stored | undefined): DelegationRow | undefined => row && named(row);

  function idOf(messageId: number): string {
    const mac = createHmac("sha256", key).update(`delegation ${messageId}`).digest();
    return `dlg_${messageId.toString(36)}${mac.readBigUInt64BE().toString(36).padStart(TAG, "0").slice(-TAG)}`;
  }

  /** Message id of the request; undefined for an id that this relay did not make. */
  function placeOf(id: string): number | undefined {
    const place = Number.parseInt(id.slice("dlg_".length, -TAG), 36);
    return Number.isSafeInteger(place) && idOf(place) === id ? place : undefined;
  }

  /** Last row read by each write: answering reads the same row at every step. Entries end with their write. */
  const known = new WeakMap<ReadTx, DelegationRow>();

  function read(on: ReadTx, messageId: number): DelegationRow | undefined {
    if (!("writes" in on)) return withId(byMessage(on).get({ messageId }));
    const last = known.get(on);
    if (last?.messageId === messageId) return last;
    const row = withId(byMessage(on).get({ messageId }));
    if (row) known.set(on, row);
    return row;
  }

  return {
    idOf,
    add: async (tx: Tx, row: DelegationRow): Promise<void> => {
      insert(tx).run(row);
    },
    byMessage: async (on: ReadTx, messageId: number): Promise<DelegationRow | undefined> => read(on, messageId),
    byId: async (on: ReadTx, id: string): Promise<DelegationRow | undefined> => {
      const messageId = placeOf(id);
      if (messageId === undefined) return undefined;
      return read(on, messageId) ?? withId(byFirst(on).get({ firstId: messageId }));
    },
    /** Gives one that waited its request in place of the notice at `from`. */
    moveTo: async (tx: Tx, from: number, row: DelegationRow): Promise<void> => {
      const { id: _, ...stored } = row;
      tx.db.update(delegations).set(stored).where(eq(delegations.messageId, from)).run();
      known.set(tx, row);
    },
    /** Stores its end. */
    end: async (tx: Tx, row: DelegationRow): Promise<void> => {
      const { messageId, status, endedAt, endedUpTo, answerId, answeredBy, answeredAt, error, late } = row;
      const answer = { answerId, answeredBy, answeredAt, error, late: late ? 1 : 0 };
      end(tx).run({ messageId, status, endedAt, endedUpTo, ...answer });
      known.set(tx, row);
    },
    /** Stores the member of the group that works on it, or null. */
    hold: async (tx: Tx, row: DelegationRow): Promise<void> => {
      const { messageId, holder, status } = row;
      hold(tx).run({ messageId, holder, status });
      known.set(tx, row);
    },

    /** Stores that a tool has handed its answer to the asker's model. */
    hand: async (tx: Tx, row: DelegationRow): Promise<void> => {
      const { messageId, handedId } = row;
      hand(tx).run({ messageId, handedId });
      known.set(tx, row);
    },
    /** Answers to these requests that tools have handed over. */
    handedAmong: async (on: ReadTx, messageIds: readonly number[]): Promise<(number | null)[]> =>
      messageIds.length === 0 ? [] : readValues(on, delegations.handedId, inIds(delegations.messageId, messageIds)),

    /** Open ones to an agent or group, oldest first. */
    openTo: async (on: ReadTx, target: string, limit: number): Promise<DelegationRow[]> =>
      openTo(on).all({ target, limit }).map(named),
    /** The one open request to this agent up to a place in the log, of one thread or of any; undefined if there are more. */
    onlyOpenTo: async (on: ReadTx, target: string, upTo: number, threadId = 0): Promise<DelegationRow | undefined> => {
      const [one, another] = seen(on).all({ target, upTo, threadId });
      return another ? undefined : withId(one);
    },
    openFrom: async (on: ReadTx, fromId: string, limit: number): Promise<DelegationRow[]> =>
      openFrom(on).all({ fromId, limit }).map(named),
    /** Open ones of a tree, without its root. */
    openBelowRoot: async (on: ReadTx, rootId: string, limit: number): Promise<DelegationRow[]> =>
      openOfRoot(on).all({ rootId, limit }).map(named),
    /** Number of open ones, counted up to `limit`. */
    countFrom: async (on: ReadTx, fromId: string, limit: number): Promise<number> => countFrom(on, { fromId, limit }),
    countBelowRoot: async (on: ReadTx, rootId: string, limit: number): Promise<number> =>
      countOfRoot(on, { rootId, limit }),

    earliest: times.earliest,
    ripe: async (on: ReadTx, now: number, limit: number): Promise<DelegationRow[]> =>
      (await times.ripe(on, now, limit)).map(named),
    /** No deadline is further from `now` than was asked for, and none is before `soonest`. */
    moveDeadlines: async (tx: Tx, now: number, soonest: number): Promise<void> => {
      const whole = sql`${now} + ${delegations.timeoutSeconds} * 1000`;
      tx.db
        .update(delegations)
        .set({ deadlineAt: whole })
        .where(and(isOpen, isSent, sql`${delegations.deadlineAt} > ${whole}`))
        .run();
      tx.db
        .update(delegations)
        .set({ deadlineAt: soonest })
        .where(and(isOpen, lt(delegations.deadlineAt, soonest)))
        .run();
    },

    /** Oldest request without an answer. */
    oldestOpen: async (on: ReadTx): Promise<number | undefined> =>
      on.db
        .select({ id: sql<number | null>`min(${delegations.messageId})` })
        .from(delegations)
        .where(isOpen)
        .get()?.id ?? undefined,
    countOpen: async (on: ReadTx): Promise<number> =>
      on.db.select({ n: sql<number>`count(*)` }).from(delegations).where(isOpen).get()?.n ?? 0,
    /** Messages among these that are requests. */
    among: async (on: ReadTx, messageIds: readonly number[]): Promise<number[]> =>
      messageIds.length === 0
        ? []
        : among(on)
            .all({ ids: JSON.stringify(messageIds) })
            .map(({ messageId }) => messageId),
    /** The requests among these that have ended. */
    endedAmong: async (on: ReadTx, messageIds: readonly number[]): Promise<number[]> =>
      messageIds.length === 0
        ? []
        : readValues(
            on,
            delegations.messageId,
            and(inIds(delegations.messageId, messageIds), sql`ended_at is not null`),
          ),
    forget: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(delegations).where(inIds(delegations.messageId, messageIds)).run();
    },

    /** Newest first, among the next 20,000; `reached` is where looking ended, null at the end. */
    page: async (on: ReadTx, filter: DelegationFilter, before: number | undefined, limit: number) => {
      const next = before === undefined ? undefined : lt(delegations.messageId, before);
      const fits = (row: Columns) => and(...conditions(row, filter));
      const page = visitedPage(on, delegations, "messageId", { next, newestFirst: true, fits, limit });
      return { rows: page.rows.map(named), reached: page.reached };
    },
  };
}

type Columns = Record<"fromId" | "target" | "holder" | "status" | "rootId", SQLWrapper>;

/** A filter by an agent as target also means what it took of a group's. */
function conditions(row: Columns, { from, to, status, root }: DelegationFilter): SQL[] {
  const where: SQL[] = [];
  if (from !== undefined) where.push(sql`${row.fromId} = ${from}`);
  if (to !== undefined) where.push(sql`(${row.target} = ${to} or ${row.holder} = ${to})`);
  if (status !== undefined) where.push(sql`${row.status} = ${status}`);
  if (root !== undefined) where.push(sql`${row.rootId} = ${root}`);
  return where;
}
