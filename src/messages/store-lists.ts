import { and, eq, inArray, lte, or, type SQL, sql } from "drizzle-orm";
import { memberships } from "../agents/tables.ts";
import type { Reading, Tx } from "../db/database.ts";
import type { MessageKind, WorkState } from "./schema.ts";
import { messages, work } from "./tables.ts";

/** What narrows a list or a stream of messages. */
export interface Filter {
  from?: string | undefined;
  to?: string | undefined;
  agent?: string | undefined;
  thread?: number | undefined;
  topic?: string | undefined;
  kind?: MessageKind | undefined;
  state?: WorkState | undefined;
}

/** One way of walking: a condition with an index, everything that somebody sent, or what is for any of some targets. */
export type Driver = SQL | { sender: string } | { targets: readonly string[] };

/** The signs keep the planner from walking the whole thread where a few candidates have to pass. */
const inThread = (thread: number): SQL => sql`(+${messages.id} = ${thread} or +${messages.threadId} = ${thread})`;
const concerns = (agentId: string): SQL => sql`(${messages.fromId} = ${agentId} or ${messages.target} = ${agentId})`;

/**
 * The indexes a list walks: together they give every candidate, each in order of id. What they do not decide is filtered
 * afterwards, among a bounded number of candidates.
 * @param targets what the reader belongs or belonged to; undefined for who reads everything
 */
export function drivers(filter: Filter, reader: string | null, targets: readonly string[]): Driver[] {
  if (filter.thread !== undefined) return [eq(messages.id, filter.thread), eq(messages.threadId, filter.thread)];
  if (filter.from !== undefined) return [{ sender: filter.from }];
  if (filter.to !== undefined) return [eq(messages.target, filter.to)];
  if (filter.agent !== undefined) return [{ sender: filter.agent }, eq(messages.target, filter.agent)];
  if (reader === null) return [sql`true`];
  return [{ sender: reader }, { targets }];
}

/** As a condition on messages: what the agent sent, or what was for it when it was appended. */
const visibleTo = (agentId: string): SQL => sql`(${messages.fromId} = ${agentId} or exists (
  select 1 from ${memberships} mb where mb.agent_id = ${agentId} and mb.target = ${messages.target}
    and mb.since_id < ${messages.id} and (mb.until_id is null or mb.until_id >= ${messages.id})))`;

/** What each candidate still has to pass. */
export function conditions(filter: Filter, reader: string | null): SQL[] {
  const where: SQL[] = [];
  if (reader !== null) where.push(visibleTo(reader));
  if (filter.from !== undefined) where.push(eq(messages.fromId, filter.from));
  if (filter.to !== undefined) where.push(eq(messages.target, filter.to));
  if (filter.agent !== undefined) where.push(concerns(filter.agent));
  if (filter.thread !== undefined) where.push(inThread(filter.thread));
  if (filter.topic !== undefined) where.push(eq(messages.topic, filter.topic));
  if (filter.kind !== undefined) where.push(eq(messages.kind, filter.kind));
  if (filter.state !== undefined)
    where.push(sql`exists (select 1 from ${work} w where w.message_id = ${messages.id} and w.state = ${filter.state})`);
  return where;
}

/** Deleting entries and all that hangs on them, for retention. */
export const retentionStore = {
  /** Entries in (floor, upTo] that may go: live and dead work stays. */
  async deletable(on: Reading, floor: number, upTo: number, limit: number) {
    return on.db
      .select({ id: messages.id, fromId: messages.fromId, target: messages.target })
      .from(messages)
      .where(
        and(
          sql`${messages.id} > ${floor} and ${messages.id} <= ${upTo}`,
          sql`not exists (select 1 from ${work} w where w.message_id = ${messages.id}
            and w.state in ('open', 'delayed', 'claimed', 'dead'))`,
        ),
      )
      .orderBy(messages.id)
      .limit(limit)
      .all();
  },
  async remove(tx: Tx, ids: number[]): Promise<void> {
    const list = sql`(select value from json_each(${JSON.stringify(ids)}))`;
    tx.db.run(sql`delete from search where rowid in ${list}`);
    tx.db.run(sql`delete from attempts where message_id in ${list}`);
    tx.db.run(sql`delete from reads where message_id in ${list}`);
    tx.db.run(sql`delete from scheduled_messages where message_id in ${list}`);
    tx.db.delete(work).where(inArray(work.messageId, ids)).run();
    tx.db.delete(messages).where(inArray(messages.id, ids)).run();
  },
  /** Who has not acknowledged all of these entries, and how many of them were for it. */
  async losers(
    on: Reading,
    ids: readonly number[],
    upTo: number,
  ): Promise<{ agentId: string; lost: number; lastId: number }[]> {
    return on.db.all(sql`
      select a.id as agentId, count(*) as lost, max(m.id) as lastId
      from agents a
      join memberships mb on mb.agent_id = a.id
      join messages m on m.target = mb.target
        and m.id in (select value from json_each(${JSON.stringify(ids)}))
        and m.id > mb.since_id and (mb.until_id is null or m.id <= mb.until_id)
      where a.cursor < ${upTo} and a.deleted_at is null and m.id > a.cursor
        and (m.from_id <> a.id or m.target = a.id)
      group by a.id`);
  },
  async addLoss(tx: Tx, agentId: string, lastId: number, lost: number): Promise<void> {
    tx.db.run(sql`insert into losses (agent_id, last_id, lost) values (${agentId}, ${lastId}, ${lost})
      on conflict (agent_id) do update set last_id = excluded.last_id, lost = losses.lost + excluded.lost`);
  },
  /** When the entry at or below a place was made; ids follow time closely enough to search by it. */
  async createdAt(on: Reading, id: number): Promise<{ id: number; at: number } | undefined> {
    return on.db
      .select({ id: messages.id, at: messages.createdAt })
      .from(messages)
      .where(lte(messages.id, id))
      .orderBy(sql`${messages.id} desc`)
      .limit(1)
      .get();
  },
  /** Old records of offers and acknowledgements: those that are about deleted entries, oldest first. */
  async thin(tx: Tx, before: number, limit: number): Promise<number> {
    const old = (table: string) =>
      sql`delete from ${sql.raw(table)} where rowid in (
        select rowid from (select rowid, at from ${sql.raw(table)} order by rowid limit ${limit}) where at < ${before})`;
    const offers = tx.db.run(old("offers")) as unknown as { changes: number };
    const acks = tx.db.run(old("acks")) as unknown as { changes: number };
    return offers.changes + acks.changes;
  },
};

export const either = (conditions: SQL[]): SQL => or(...conditions) ?? sql`false`;
