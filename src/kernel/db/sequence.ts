import { eq, sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Db, ReadTx } from "./database.ts";

/** SQLite's record of the highest id of each AUTOINCREMENT table. */
const sequence = sqliteTable("sqlite_sequence", { name: text("name").notNull(), seq: integer("seq").notNull() });

/** Reads the highest id ever given out in a table, or 0. Ids of rolled-back writes are given out again. */
export function lastIdOf(db: Db, table: string): (on: ReadTx) => number {
  const statement = db.statement((q) =>
    q
      .select({ seq: sequence.seq })
      .from(sequence)
      .where(eq(sequence.name, sql.placeholder("table")))
      .prepare(),
  );
  return (on) => statement(on).get({ table })?.seq ?? 0;
}
