import { and, asc, eq, gt, lt, lte, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows, readValues, visitedPage, type Walk, type Walked, walk } from "../../kernel/db/reads.ts";
import { changeWhere, columns, equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import type { AnnouncementState } from "../../protocol/announcements.ts";
import type { AgentId, Span } from "../../protocol/ids.ts";
import type { AnnouncementRow } from "./row.ts";
import { announcements } from "./tables.ts";

export type AnnouncementStore = ReturnType<typeof createAnnouncementStore>;

export interface AnnouncementFilter {
  state?: AnnouncementState | undefined;
  run?: string | undefined;
  /** An agent, a run, or a chat with or without its thread. */
  requester?: string | undefined;
  /** Agent whose announcements are listed; null lists all. */
  seenBy: AgentId | null;
}

/** In the words of the partial indexes: SQLite would not use them for any other. */
const isPending = sql`state in ('waiting', 'sent', 'blocked')`;
const isSent = sql`state = 'sent'`;
const hasMessage = sql`message_id is not null`;

const insert = statement((q) =>
  q
    .insert(announcements)
    .values(everyColumn(announcements, "number"))
    .returning({ number: announcements.number })
    .prepare(),
);
const save = changeWhere(
  announcements,
  columns("target", "route", "state", "reason", "messageId", "externalIds", "endedAt", "person"),
  equal(announcements, "id"),
);
const byId = rowsWhere(announcements, equal(announcements, "id"));
const byMessage = rowsWhere(announcements, and(equal(announcements, "messageId"), hasMessage), { limit: 1 });
const ofRun = rowsWhere(announcements, and(equal(announcements, "runId"), isPending), {
  orderBy: asc(announcements.number),
});
const sentTo = rowsWhere(
  announcements,
  and(
    equal(announcements, "target"),
    gt(announcements.messageId, bound("after")),
    lte(announcements.messageId, bound("upTo")),
    isSent,
  ),
  { orderBy: asc(announcements.messageId), limit: "limit" },
);
const inState = rowsWhere(
  announcements,
  and(equal(announcements, "state"), gt(announcements.number, bound("after")), isPending),
  { orderBy: asc(announcements.number), limit: "limit" },
);

/** Announcements: one row for each end of a run that has a requester. */
export function createAnnouncementStore() {
  return {
    /** Whether the result of one of these runs is still on its way. */
    anyOpen: async (on: ReadTx, runIds: readonly string[]): Promise<boolean> =>
      on.db
        .select({ id: announcements.id })
        .from(announcements)
        .where(and(inIds(announcements.runId, runIds), sql`ended_at is null`))
        .limit(1)
        .get() !== undefined,
    /** Stores a new one; answers it with its number. */
    add: async (tx: Tx, row: Omit<AnnouncementRow, "number">): Promise<AnnouncementRow> => {
      const { number } = insert(tx).get({ ...row });
      return { ...row, number };
    },
    /** Stores everything of it that changes. */
    save: async (tx: Tx, row: AnnouncementRow): Promise<void> => {
      const { id, target, route, state, reason, messageId, externalIds, endedAt, person } = row;
      save(tx).run({ id, target, route, state, reason, messageId, externalIds, endedAt, person });
    },
    byId: async (on: ReadTx, id: string): Promise<AnnouncementRow | undefined> => byId(on).get({ id }),
    byMessage: async (on: ReadTx, messageId: number): Promise<AnnouncementRow | undefined> =>
      byMessage(on).get({ messageId }),
    /** Messages among these whose announcement was dismissed. */
    dismissedAmong: async (on: ReadTx, messageIds: readonly number[]): Promise<number[]> => {
      const isDismissed = eq(announcements.state, "dismissed");
      const ids = readValues(
        on,
        announcements.messageId,
        and(inIds(announcements.messageId, messageIds), hasMessage, isDismissed),
      );
      return ids.filter((id) => id !== null);
    },
    /** Unacknowledged announcements whose messages are among these. */
    sentAmong: async (on: ReadTx, messageIds: readonly number[]): Promise<AnnouncementRow[]> =>
      readRows(
        on,
        announcements,
        and(inIds(announcements.messageId, messageIds), hasMessage, eq(announcements.state, "sent")),
      ),
    /** Announcements of a run that are still to be delivered, oldest first. */
    pendingOf: async (on: ReadTx, runId: string): Promise<AnnouncementRow[]> => ofRun(on).all({ runId }),
    /** Announcements sent to an agent in messages of the span, oldest first. */
    sentTo: (on: ReadTx, target: AgentId, { after, upTo }: Span, limit: number): AnnouncementRow[] =>
      sentTo(on).all({ target, after, upTo, limit }),
    /** Announcements in a state after a place of the list, oldest first. */
    inState: async (on: ReadTx, state: AnnouncementState, after: number, limit: number): Promise<AnnouncementRow[]> =>
      inState(on).all({ state, after, limit }),
    countBlocked: async (on: ReadTx): Promise<number> =>
      on.db
        .select({ n: sql<number>`count(*)` })
        .from(announcements)
        .where(and(isPending, eq(announcements.state, "blocked")))
        .get()?.n ?? 0,
    /** Deletes some that ended before a time. @returns how many */
    thin: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, announcements, and(sql`ended_at is not null`, lt(announcements.endedAt, before)), limit),

    /** Pending ones, in the order in which they were made. */
    walk(
      on: ReadTx,
      { ids, ...filter }: Omit<AnnouncementFilter, "seenBy"> & { ids?: readonly string[] | undefined },
      part: Walk,
    ) {
      const { number, id } = announcements;
      const fits = and(isPending, ...conditions(announcements, { ...filter, seenBy: null }));
      const among = ids && inIds(id, ids);
      return walk<string>(on, { table: announcements, place: number, id, among, fits }, part) satisfies Walked<string>;
    },
    /** Number of the newest one; 0 for none. */
    head: (on: ReadTx): number =>
      on.db
        .select({ n: sql<number>`coalesce(max(${announcements.number}), 0)` })
        .from(announcements)
        .get()?.n ?? 0,

    /** Newest first, among the next 20,000; `reached` is where looking ended, null at the end. */
    page: async (on: ReadTx, filter: AnnouncementFilter, before: number | undefined, limit: number) =>
      visitedPage(on, announcements, "number", {
        next: before === undefined ? undefined : lt(announcements.number, before),
        newestFirst: true,
        fits: (row) => and(...conditions(row, filter)),
        limit,
      }),
  };
}

type Columns = Record<"state" | "runId" | "requester" | "agentId" | "target", SQLWrapper>;

/** A chat without a thread also means its threads. */
function conditions(row: Columns, { state, run, requester, seenBy }: AnnouncementFilter): SQL[] {
  const where: SQL[] = [];
  if (state !== undefined) where.push(sql`${row.state} = ${state}`);
  if (run !== undefined) where.push(sql`${row.runId} = ${run}`);
  if (requester !== undefined)
    where.push(
      sql`(${row.requester} = ${requester} or substr(${row.requester}, 1, ${requester.length + 1}) = ${`${requester}/`})`,
    );
  if (seenBy !== null)
    where.push(
      sql`(${row.agentId} = ${seenBy} or ${row.target} = ${seenBy} or ${row.requester} = ${seenBy}
        or exists (select 1 from runs r where r.id = ${row.requester} and r.agent_id = ${seenBy}))`,
    );
  return where;
}
