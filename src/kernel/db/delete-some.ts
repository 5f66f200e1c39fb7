import { type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Tx } from "./database.ts";

/** Deletes at most `limit` rows that fit. @returns how many it deleted */
export function deleteSome(tx: Tx, table: SQLiteTable, where: SQL | undefined, limit: number): number {
  const rows = tx.db.select({ rowid: sql`rowid` }).from(table).where(where).limit(limit);
  const { changes } = tx.db.run(sql`delete from ${table} where rowid in (${rows})`) as unknown as { changes: number };
  return changes;
}
