import { type SQL, sql } from "drizzle-orm";
import { getTableConfig, type SQLiteTable } from "drizzle-orm/sqlite-core";
import { bound } from "./bound.ts";
import { statement } from "./prepared.ts";
import type { Tx } from "./tx.ts";

/** Deletes at most `limit` rows that fit. @returns how many it deleted */
export function deleteSome(tx: Tx, table: SQLiteTable, where: SQL | undefined, limit: number): number {
  return changesOf(tx.db.run(sql`delete from ${table} where ${isAmong(table, where, sql`${limit}`)}`));
}

/** Prepares `deleteSome` under a condition, whose parameters are `bound`: for what each sweep asks many times. */
export function deleteSomeWhere(table: SQLiteTable, where: SQL | undefined) {
  const remove = statement((q) =>
    q
      .delete(table)
      .where(isAmong(table, where, bound("limit")))
      .prepare(),
  );
  return (tx: Tx, values: Record<string, unknown> & { limit: number }): number => changesOf(remove(tx).run(values));
}

function isAmong(table: SQLiteTable, where: SQL | undefined, limit: SQL): SQL {
  // Tables with a key of several columns may have no row ids.
  const [key] = getTableConfig(table).primaryKeys;
  const columns = key?.columns.map(({ name }) => sql.identifier(name)) ?? [sql`rowid`];
  const names = sql.join(columns, sql`, `);
  const filter = where === undefined ? sql`` : sql`where ${where}`;
  return sql`(${names}) in (select ${names} from ${table} ${filter} limit ${limit})`;
}

const changesOf = (ran: unknown): number => (ran as { changes: number }).changes;
