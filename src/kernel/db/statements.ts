import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db, ReadTx } from "./database.ts";

/** For `values()` of a prepared insert: a placeholder for every column but those that the database fills. */
export function everyColumn<T extends SQLiteTable>(table: T, ...but: string[]): T["$inferInsert"] {
  const names = Object.keys(getTableColumns(table)).filter((name) => !but.includes(name));
  return Object.fromEntries(names.map((name) => [name, sql.placeholder(name)])) as unknown as T["$inferInsert"];
}

/** For `set()` of a prepared update: a placeholder for each of these columns. */
export const columns = <K extends string>(...names: K[]): Record<K, SQL> =>
  Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(name)}`])) as Record<K, SQL>;

/** A prepared `select * from table where ...`. */
export type RowsWhere<Row> = (on: ReadTx) => {
  get(values: Record<string, unknown>): Row | undefined;
  all(values: Record<string, unknown>): Row[];
};

/** Prepares the rows of a table under a condition. */
export const rowsWhere = <T extends SQLiteTable>(
  db: Db,
  table: T,
  where: SQL | undefined,
): RowsWhere<T["$inferSelect"]> =>
  db.statement((q) => q.select().from<SQLiteTable>(table).where(where).prepare()) as unknown as RowsWhere<
    T["$inferSelect"]
  >;
