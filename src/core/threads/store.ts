import { and, count, desc, eq, gt, inArray, lt, lte, max, type SQL, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows, readValues, type Walk, type Walked, walk } from "../../kernel/db/reads.ts";
import { columnsWhere, equal, pick, putWhole, rowsWhere } from "../../kernel/db/statements.ts";
import { type FacetFilter, wantedFacets } from "../facets/filter.ts";
import { facets, hasFacet } from "../facets/tables.ts";
import { marks, messages, reads } from "../messages/tables.ts";
import type { ThreadReadRow, ThreadRow } from "./row.ts";
import { threadReads, threads } from "./tables.ts";

/** Characters of a message that a list shows. */
const EXCERPT = 280;
/** Newest messages of a thread whose senders and targets are its participants. */
const PARTICIPATING = 20;
/** Messages of a thread that are visited when it is marked as read. */
const MAX_VISITED = 20_000;
/** Most messages that get a read mark of their own at a time, and most titles that are searched. */
const MAX_MARKED = 1000;

export interface ThreadFilter {
  archived: boolean;
  ofUser: boolean;
  /** Among these alone. */
  ids?: readonly number[] | undefined;
}

/** Threads that acts on many look for; `before` and `after` are about the newest message of each. */
export interface ThreadWalk extends FacetFilter {
  ids?: readonly number[] | undefined;
  participant?: string | undefined;
  before?: number | undefined;
  after?: number | undefined;
}

/** As a condition on threads: sent or got the root, or one of the newest messages. */
const takesPart = (agentId: string): SQL =>
  agentId === "user"
    ? sql`of_user`
    : sql`(exists (select 1 from messages m where m.id = ${threads.id} and (m.from_id = ${agentId} or m.target = ${agentId}))
        or exists (select 1 from (select from_id, target from messages where thread_id = ${threads.id} order by id desc
          limit ${sql.raw(String(PARTICIPATING))}) m where m.from_id = ${agentId} or m.target = ${agentId}))`;

const excerptColumns = {
  id: messages.id,
  fromId: messages.fromId,
  target: messages.target,
  kind: messages.kind,
  subject: messages.subject,
  opaque: messages.opaque,
  body: sql<string>`substr(${messages.body}, 1, ${sql.raw(String(EXCERPT))})`,
  createdAt: messages.createdAt,
};

/** Replies that a thread has already are left alone, so a range may be taken twice. */
const follow = statement((q) =>
  q
    .insert(threads)
    .select(
      sql`select coalesce(thread_id, id), id, thread_id is not null, target = 'user', target = 'user' or from_id = 'user', false, null, null
        from messages where id > ${bound("after")} and id <= ${bound("upTo")} order by id`,
    )
    .onConflictDoUpdate({
      target: threads.id,
      set: {
        lastId: sql`excluded.last_id`,
        replies: sql`replies + 1`,
        toUser: sql`to_user + excluded.to_user`,
        ofUser: sql`of_user or excluded.of_user`,
        archived: sql`archived and not excluded.to_user`,
      },
      setWhere: sql`excluded.last_id > threads.last_id`,
    })
    .prepare(),
);
const mark = columnsWhere(pick(marks, "position"), marks, equal(marks, "name"));
const setMark = putWhole(marks, marks.name);
const byId = rowsWhere(threads, equal(threads, "id"));
const readOf = rowsWhere(threadReads, equal(threadReads, "threadId", "person"));

/** Threads, and how far people have read them. They follow the log: a send does not pay for them. */
export function createThreadStore(db: Pick<Db, "keep">) {
  const markOf = db.keep("mark of threads", (on, name): number => mark(on).get({ name })?.position ?? 0);

  const change = (tx: Tx, id: number, set: Partial<ThreadRow>): void => {
    tx.db.update(threads).set(set).where(eq(threads.id, id)).run();
  };

  return {
    /** Place up to which every message is in its thread. */
    mark: (on: ReadTx): number => markOf.get(on, "threads"),
    /** Takes some of the messages up to a place into their threads, in order. @returns whether all of them are there */
    follow(tx: Tx, upTo: number, limit = Number.MAX_SAFE_INTEGER): boolean {
      const after = markOf.get(tx, "threads");
      if (after >= upTo) return true;
      const position = Math.min(after + limit, upTo);
      follow(tx).run({ after, upTo: position });
      setMark(tx).run({ name: "threads", position });
      markOf.set("threads", position);
      return position === upTo;
    },
    byId: (on: ReadTx, id: number): ThreadRow | undefined => byId(on).get({ id }),
    change,

    /** Newest activity first. */
    async page(on: ReadTx, { archived, ofUser, ids }: ThreadFilter, before: number, limit: number) {
      // A sign keeps the planner from walking all threads for a few.
      const last = ids ? sql`+${threads.lastId}` : sql`${threads.lastId}`;
      const where: SQL[] = [lt(last, before), archived ? sql`archived` : sql`not archived`];
      if (ofUser) where.push(sql`of_user`);
      if (ids) where.push(inIds(threads.id, ids));
      return readRows(on, threads, and(...where), { orderBy: desc(last), limit });
    },

    /** Ids of the threads that these messages are in. */
    of: (on: ReadTx, messageIds: readonly number[]): number[] =>
      on.db
        .selectDistinct({ id: sql<number>`coalesce(${messages.threadId}, ${messages.id})` })
        .from(messages)
        .where(inIds(messages.id, messageIds))
        .all()
        .map(({ id }) => id),

    /** Ids among the newest 1,000 threads that people have named, whose name contains a text. */
    titled(on: ReadTx, text: string): number[] {
      const named = readRows(on, threads, sql`title is not null`, { orderBy: desc(threads.lastId), limit: MAX_MARKED });
      const wanted = text.toLowerCase();
      return named.filter(({ title }) => title?.toLowerCase().includes(wanted)).map(({ id }) => id);
    },

    /** The beginnings of messages. */
    excerpts(on: ReadTx, ids: readonly number[]) {
      const found = on.db.select(excerptColumns).from(messages).where(inIds(messages.id, ids)).all();
      return new Map(found.map((row) => [row.id as number, row]));
    },

    /** Senders and targets of the newest messages of a thread. */
    participants: (on: ReadTx, threadId: number): string[] =>
      on.db
        .select({ fromId: messages.fromId, target: messages.target })
        .from(messages)
        .where(eq(messages.threadId, threadId))
        .orderBy(desc(messages.id))
        .limit(PARTICIPATING)
        .all()
        .flatMap(({ fromId, target }) => [fromId, target]),

    /** Threads that are not archived, whose newest message is no later than a place in the log. */
    walk(
      on: ReadTx,
      { ids, participant, before, after, ...about }: ThreadWalk,
      head: number,
      part: Walk,
    ): Walked<number> {
      const fits = and(
        sql`not ${threads.archived}`,
        lte(threads.lastId, sql`${head}`),
        before === undefined ? undefined : sql`${threads.lastId} < ${before}`,
        after === undefined ? undefined : sql`${threads.lastId} > ${after}`,
        participant === undefined ? undefined : takesPart(participant),
        ...wantedFacets(about).map((facet) => hasFacet("thread", sql`${threads.id}`, facet)),
      );
      const among = ids && inIds(threads.id, ids);
      return walk(on, { table: threads, place: threads.id, id: threads.id, among, fits }, part);
    },

    /** How far a person has read a thread. */
    readOf: (on: ReadTx, person: string, threadId: number): ThreadReadRow | undefined =>
      readOf(on).get({ person, threadId }),

    /** Messages to `user` in a thread after a place. */
    toUserAfter(on: ReadTx, threadId: number, after: number): number {
      const some = on.db
        .select({ target: messages.target })
        .from(messages)
        .where(and(eq(messages.threadId, threadId), gt(messages.id, after)))
        .limit(MAX_VISITED)
        .as("some");
      const counted = on.db.select({ n: count() }).from(some).where(eq(some.target, "user")).get();
      return counted?.n ?? 0;
    },

    /** Stores how far a person has read, and marks the messages to `user` up to there. Answers those that were announcements. */
    read(tx: Tx, row: ThreadReadRow, after: number, person: string | null): number[] {
      const target = [threadReads.threadId, threadReads.person];
      tx.db.insert(threadReads).values(row).onConflictDoUpdate({ target, set: row }).run();
      const { threadId, upTo, at } = row;
      const within = and(gt(messages.id, after), lte(messages.id, upTo));
      const seen = toUserIn(tx, threadId, within);
      if (seen.length === 0) return [];
      const marks = seen.map(({ id }) => ({ messageId: id, agentId: "user", person, at }));
      tx.db.insert(reads).values(marks).onConflictDoNothing().run();
      return seen.filter(({ kind }) => kind === "announcement").map(({ id }) => id);
    },

    /** Messages up to the mark are about to be deleted: those to `user` are no longer there to be read, nor were they. */
    uncount(tx: Tx, messageIds: readonly number[]): void {
      const gone = sql`with gone as materialized (
        select coalesce(thread_id, id) as thread_id, id from messages where ${inIds(messages.id, messageIds)} and target = 'user')`;
      tx.db.run(sql`${gone} update thread_reads set seen = seen - counted.n
        from (select r.thread_id, r.person, count(*) as n from gone g join thread_reads r on r.thread_id = g.thread_id
          and r.up_to >= g.id group by r.thread_id, r.person) as counted
        where thread_reads.thread_id = counted.thread_id and thread_reads.person = counted.person`);
      tx.db.run(sql`${gone} update threads set to_user = to_user - counted.n
        from (select thread_id, count(*) as n from gone group by thread_id) as counted where threads.id = counted.thread_id`);
    },

    /** Messages up to the mark were deleted: their threads end with the newest that is left, or go. */
    forget(tx: Tx, messageIds: readonly number[]): void {
      const ended = readValues(tx, threads.id, inIds(threads.lastId, messageIds));
      if (ended.length === 0) return;
      const left = newestOf(tx, ended);
      const gone = ended.filter((id) => !left.has(id));
      for (const [id, lastId] of left) change(tx, id, { lastId: lastId as ThreadRow["lastId"] });
      tx.db.delete(threads).where(inIds(threads.id, gone)).run();
      tx.db.delete(threadReads).where(inIds(threadReads.threadId, gone)).run();
      tx.db
        .delete(facets)
        .where(and(eq(facets.of, "thread"), inIds(facets.number, gone)))
        .run();
    },
  };

  /** Messages to `user` in a part of a thread, newest first. */
  function toUserIn(tx: ReadTx, threadId: number, within: SQL | undefined) {
    const columns = { id: messages.id, kind: messages.kind };
    const toUser = sql`+${messages.target} = 'user'`;
    const reply = and(eq(messages.threadId, threadId), within, toUser);
    const replies = tx.db
      .select(columns)
      .from(messages)
      .where(reply)
      .orderBy(desc(messages.id))
      .limit(MAX_MARKED)
      .all();
    return [
      ...replies,
      ...tx.db
        .select(columns)
        .from(messages)
        .where(and(eq(messages.id, threadId), within, toUser))
        .all(),
    ];
  }

  /** The newest message that is left of each thread that still has one. */
  function newestOf(tx: ReadTx, ids: readonly number[]): Map<number, number> {
    const roots = readValues(tx, messages.id, inIds(messages.id, ids)).map((id): [number, number] => [id, id]);
    const replies = tx.db
      .select({ id: sql<number>`${messages.threadId}`, lastId: sql<number>`${max(messages.id)}` })
      .from(messages)
      .where(inArray(messages.threadId, [...ids] as ThreadRow["id"][]))
      .groupBy(messages.threadId)
      .all();
    return new Map([...roots, ...replies.map(({ id, lastId }): [number, number] => [id, lastId])]);
  }
}
