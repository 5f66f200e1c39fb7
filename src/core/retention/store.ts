import { inArray, lte, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Span } from "../../protocol/ids.ts";
import { messages } from "../messages/tables.ts";
import { work } from "../work/tables.ts";

/** The columns of an entry that retention needs. */
export interface OldEntry {
  id: number;
  /** Members of its target when it was appended: so many may lose it. */
  matched: number;
  /** The state of its work; null when it is none. */
  state: string | null;
  endedAt: number | null;
}

/** Deleting entries and everything that hangs on them. No query visits more entries than its limit. */
export const retentionStore = {
  /** The next entries in (after, upTo], oldest first. */
  async next(on: ReadTx, { after, upTo }: Span, limit: number): Promise<OldEntry[]> {
    return on.db.all(sql`
      select m.id as id, m.matched as matched, w.state as state, w.ended_at as endedAt
      from ${messages} m left join ${work} w on w.message_id = m.id
      where m.id > ${after} and m.id <= ${upTo} order by m.id limit ${limit}`);
  },
  /** As `next`, among work alone: below the floor there is little else. */
  async nextWork(on: ReadTx, { after, upTo }: Span, limit: number): Promise<OldEntry[]> {
    return on.db.all(sql`
      select m.id as id, m.matched as matched, w.state as state, w.ended_at as endedAt
      from ${work} w cross join ${messages} m on m.id = w.message_id
      where w.message_id > ${after} and w.message_id <= ${upTo} order by w.message_id limit ${limit}`);
  },
  async remove(tx: Tx, ids: number[]): Promise<void> {
    const list = sql`(select value from json_each(${JSON.stringify(ids)}))`;
    tx.db.run(sql`delete from search where rowid in ${list}`);
    tx.db.run(sql`delete from reads where message_id in ${list}`);
    tx.db.delete(messages).where(inArray(messages.id, ids)).run();
  },
  /** Records the losses of each agent: entries for it that it had not acknowledged and that were still to be offered. */
  async noteLosses(tx: Tx, ids: readonly number[], now: number): Promise<void> {
    tx.db.run(sql`
      insert into losses (agent_id, last_id, lost)
      select a.id, max(m.id), count(*)
      from json_each(${JSON.stringify(ids)}) j
      cross join messages m on m.id = j.value
      cross join memberships mb on mb.target = m.target
        and mb.since_id < m.id and (mb.until_id is null or m.id <= mb.until_id)
      cross join agents a on a.id = mb.agent_id
      where m.id > a.cursor
        and (m.from_id <> a.id or m.target = a.id) and (m.expires_at is null or m.expires_at > ${now})
      group by a.id
      on conflict (agent_id) do update
        set last_id = max(losses.last_id, excluded.last_id), lost = losses.lost + excluded.lost`);
  },
  /** When the entry at or below a place was made; ids follow time closely enough to search by it. */
  async createdAt(on: ReadTx, id: number): Promise<{ id: number; at: number } | undefined> {
    return on.db
      .select({ id: messages.id, at: messages.createdAt })
      .from(messages)
      .where(lte(messages.id, id))
      .orderBy(sql`${messages.id} desc`)
      .limit(1)
      .get();
  },
  /** Old records of deliveries and acknowledgements, oldest first. */
  async thin(tx: Tx, before: number, limit: number): Promise<number> {
    const old = (table: string) =>
      sql`delete from ${sql.raw(table)} where rowid in (
        select rowid from (select rowid, at from ${sql.raw(table)} order by rowid limit ${limit}) where at < ${before})`;
    const deliveries = tx.db.run(old("offers")) as unknown as { changes: number };
    const acks = tx.db.run(old("acks")) as unknown as { changes: number };
    return deliveries.changes + acks.changes;
  },
};
