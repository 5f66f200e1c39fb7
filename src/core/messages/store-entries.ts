import { sql } from "drizzle-orm";
import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { columnsWhere, equal, insertRows, pick } from "../../kernel/db/statements.ts";
import type { Candidate } from "./row.ts";
import { marks, messages, targets } from "./tables.ts";

/** Part of the log, not including `after`, that was for one target. */
export interface TargetRange {
  target: string;
  after: number;
  upTo: number;
}

/** Stored entry of the index, in the order of its columns. */
type EntryRow = readonly [targetId: number, id: number, senderId: number];

export type EntryStore = ReturnType<typeof createEntryStore>;

/** Made by hand in the migrations: drizzle declares no table without row ids. */
const entries = sqliteTable("entries", {
  targetId: integer("target_id").notNull(),
  id: integer("id").notNull(),
  senderId: integer("sender_id").notNull(),
});

/** Id and sender of a message. */
export type Mail = readonly [id: number, fromId: string];

/** Names held in memory. */
const MAX_NAMES = 50_000;

const found = { id: sql<number>`id`, senderId: sql<number>`sender_id`, target: sql<string>`target` };
const ordered = (direction: "asc" | "desc", some: "ranges" | "member") =>
  statement((q) =>
    q
      .select(found)
      .from(sql`(${some === "ranges" ? inRanges(direction) : ofMember(direction)})`)
      .prepare(),
  );
const byRanges = { asc: ordered("asc", "ranges"), desc: ordered("desc", "ranges") };
const byMember = { asc: ordered("asc", "member"), desc: ordered("desc", "member") };
const recentOf = statement((q) =>
  q.select({ id: sql<number>`id`, from: sql<string>`sender` }).from(sql`(${newestOfTarget()})`).prepare(),
);
const newestFrom = statement((q) =>
  q.select({ id: sql<number | null>`id` }).from(sql`(${newestBySender()})`).prepare(),
);
const mark = columnsWhere(pick(marks, "position"), marks, equal(marks, "name"));
const idOf = columnsWhere(pick(targets, "id"), targets, equal(targets, "name"));
const nameOf = columnsWhere(pick(targets, "name"), targets, equal(targets, "id"));
const intern = statement((q) =>
  q
    .insert(targets)
    .values({ name: sql.placeholder("name") })
    .prepare(),
);
const insert = insertRows(entries, "do nothing");
const above = columnsWhere(
  pick(messages, "id", "fromId", "target"),
  messages,
  sql`${messages.id} > ${bound("after")}`,
  { orderBy: messages.id, limit: "limit" },
);

/** The index of messages by target, as it is stored: it ends at its mark, and what was merged beyond that does not count yet. */
export function createEntryStore(db: Db) {
  const markOf = db.keep("mark of entries", (on, name): number => mark(on).get({ name })?.position ?? 0);
  /** Writes ask for each target that a sender belongs to. It changes with each merge, which forgets it all. */
  const recent = db.keep("recent mail of targets", (on, target): readonly Mail[] =>
    recentOf(on)
      .all({ target, upTo: markOf.get(on, "entries") })
      .map(({ id, from }) => [id, from]),
  );
  /** Names by number: joined to each row they would cost a page of an inbox a tenth. */
  let names = new Map<number, string>();

  function senderOf(on: ReadTx, id: number): string {
    const known = names.get(id);
    if (known !== undefined) return known;
    const name = nameOf(on).get({ id })?.name ?? "";
    // The transaction of a write may be rolled back, and its numbers given to others.
    if ("writes" in on) return name;
    if (names.size >= MAX_NAMES) names = new Map();
    names.set(id, name);
    return name;
  }

  const named = (on: ReadTx, rows: readonly { id: number; senderId: number; target: string }[]): Candidate[] =>
    rows.map(({ id, senderId, target }) => ({ id, fromId: senderOf(on, senderId), target }));

  return {
    /** Place up to which every message is in the index. */
    mark: (on: ReadTx): number => markOf.get(on, "entries"),
    setMark(tx: Tx, position: number): void {
      tx.db.update(marks).set({ position }).where(sql`${marks.name} = 'entries'`).run();
      markOf.set("entries", position);
      recent.forget();
    },

    /** Entries in any of these ranges, from one end. */
    inRanges: (on: ReadTx, ranges: readonly TargetRange[], limit: number, direction: "asc" | "desc"): Candidate[] => {
      const bounds = JSON.stringify(ranges.map(({ target, after, upTo }) => [target, after, upTo]));
      return named(on, byRanges[direction](on).all({ ranges: bounds, limit }));
    },
    /** Entries in (after, upTo] for targets that the agent belonged to at their append, from one end. */
    ofMember: (
      on: ReadTx,
      member: { agentId: string; after: number; upTo: number },
      limit: number,
      direction: "asc" | "desc",
    ): Candidate[] => named(on, byMember[direction](on).all({ ...member, limit })),
    /** The newest mail of a target up to the mark, newest first: 48 at most. */
    recent: (on: ReadTx, target: string): readonly Mail[] => recent.get(on, target),
    /** The newest by a sender among the newest `among` entries of a target in (after, upTo]. */
    newestFrom: (on: ReadTx, sender: string, { target, after, upTo }: TargetRange, among: number): number | null =>
      newestFrom(on).get({ sender, target, after, upTo, among })?.id ?? null,

    /** Number of a name of a target or sender. */
    idOf: (on: ReadTx, name: string): number | undefined => idOf(on).get({ name })?.id,
    intern(tx: Tx, name: string): number {
      intern(tx).run({ name });
      return idOf(tx).get({ name })?.id ?? 0;
    },
    /** Adds entries; those that are there already stay. */
    add(tx: Tx, rows: readonly EntryRow[]): void {
      insert(tx, rows);
    },
    /** Removes the entries of messages that go in this write. */
    remove(tx: Tx, messageIds: readonly number[]): void {
      tx.db.run(sql`delete from entries where (target_id, id) in (
        select t.id, m.id from json_each(${JSON.stringify(messageIds)}) j
        cross join messages m on m.id = j.value cross join targets t on t.name = m.target)`);
      recent.forget();
    },
    /** Messages above a place, oldest first. */
    above: (on: ReadTx, after: number, limit: number): Candidate[] => above(on).all({ after, limit }),
  };
}

const inRanges = (direction: "asc" | "desc") => sql`
  select e.id as id, e.sender_id as sender_id, t.name as target
  from json_each(${bound("ranges")}) r cross join targets t on t.name = r.value ->> 0
  cross join entries e on e.target_id = t.id and e.id > r.value ->> 1 and e.id <= r.value ->> 2
  order by e.id ${sql.raw(direction)} limit ${bound("limit")}`;

const ofMember = (direction: "asc" | "desc") => sql`
  select e.id as id, e.sender_id as sender_id, t.name as target
  from memberships mb cross join targets t on t.name = mb.target
  cross join entries e on e.target_id = t.id and e.id > max(${bound("after")}, mb.since_id)
    and e.id <= min(${bound("upTo")}, coalesce(mb.until_id, ${bound("upTo")}))
  where mb.agent_id = ${bound("agentId")} and (mb.until_id is null or mb.until_id > ${bound("after")})
  order by e.id ${sql.raw(direction)} limit ${bound("limit")}`;

/** Mail read for each target. */
export const MAIL = 48;

const newestOfTarget = () => sql`
  select some.id as id, s.name as sender from (
    select id, sender_id from entries
    where target_id = (select id from targets where name = ${bound("target")}) and id <= ${bound("upTo")}
    order by id desc limit ${fixedLimit(MAIL)}) some
  cross join targets s on s.id = some.sender_id order by some.id desc`;

const newestBySender = () => sql`
  select max(id) as id from (
    select id, sender_id from entries
    where target_id = (select id from targets where name = ${bound("target")})
      and id > ${bound("after")} and id <= ${bound("upTo")} order by id desc limit ${bound("among")})
  where sender_id = (select id from targets where name = ${bound("sender")})`;
