import { eq, sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Db, ReadTx } from "./database.ts";
import { statement } from "./prepared.ts";

/** SQLite's record of the highest id of each AUTOINCREMENT table. */
const sequence = sqliteTable("sqlite_sequence", { name: text("name").notNull(), seq: integer("seq").notNull() });

const seqOf = statement((q) =>
  q
    .select({ seq: sequence.seq })
    .from(sequence)
    .where(eq(sequence.name, sql.placeholder("table")))
    .prepare(),
);

/** The highest id ever given out in a table, which each append moves on: a write that appends asks for it. */
export function createPlace(db: Db, table: string) {
  const stored = lastIdOf(table);
  const last = db.keep(`place of ${table}`, stored);
  return {
    /** As the read or the open write sees it; 0 for none. */
    of: (on: ReadTx): number => last.get(on, table),
    /** Notes the id that the open write has given out. */
    moved: (id: number): void => last.set(table, id),
  };
}

/** Reads the highest id ever given out in a table, or 0. Ids of rolled-back writes are given out again. */
export const lastIdOf =
  (table: string) =>
  (on: ReadTx): number =>
    seqOf(on).get({ table })?.seq ?? 0;
