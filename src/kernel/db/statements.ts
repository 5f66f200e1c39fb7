import { and, asc, eq, getTableColumns, getTableName, lte, type SQL, sql } from "drizzle-orm";
import type { SelectResultFields } from "drizzle-orm/query-builders/select.types";
import type { SelectedFields, SQLiteColumn, SQLiteTable, SQLiteUpdateSetSource } from "drizzle-orm/sqlite-core";
import { bound, boundLimit, fixedLimit } from "./bound.ts";
import { statement, statementOf } from "./prepared.ts";
import type { ReadTx, Tx } from "./tx.ts";

type Columns<T extends SQLiteTable> = T["_"]["columns"];
type Names<T extends SQLiteTable> = keyof Columns<T> & string;

/** For `values()` of a prepared insert: a placeholder for every column but those that the database fills. */
export function everyColumn<T extends SQLiteTable>(table: T, ...but: string[]): T["$inferInsert"] {
  const names = Object.keys(getTableColumns(table)).filter((name) => !but.includes(name));
  return Object.fromEntries(names.map((name) => [name, sql.placeholder(name)])) as unknown as T["$inferInsert"];
}

/** For `set()` of a prepared update: a placeholder for each of these columns. */
export const columns = <K extends string>(...names: K[]): Record<K, SQL> =>
  Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(name)}`])) as Record<K, SQL>;

/** These columns of a table, for a select. */
export const pick = <T extends SQLiteTable, K extends Names<T>>(table: T, ...names: K[]): Pick<Columns<T>, K> =>
  Object.fromEntries(names.map((name) => [name, getTableColumns(table)[name]])) as Pick<Columns<T>, K>;

/** Condition of a prepared statement: each of these columns is equal to the parameter of its name. */
export const equal = <T extends SQLiteTable>(table: T, ...names: Names<T>[]): SQL | undefined =>
  and(...names.map((name) => eq(getTableColumns(table)[name] as SQLiteColumn, bound(name))));

/** A prepared select. */
export type RowsWhere<Row> = (on: ReadTx) => {
  get(values?: Record<string, unknown>): Row | undefined;
  all(values?: Record<string, unknown>): Row[];
};

interface Page {
  orderBy?: SQL | SQLiteColumn;
  /** Most rows, or the name of the parameter that says it. */
  limit?: number | string;
}

/** Prepares the rows of a table under a condition, whose parameters are `bound`. */
export const rowsWhere = <T extends SQLiteTable>(table: T, where: SQL | undefined, page?: Page) =>
  selected(undefined, table, where, page) as RowsWhere<T["$inferSelect"]>;

/** As `rowsWhere`, for some columns. Of a table with a hint, which drizzle takes for an unknown one, all columns are text. */
export const columnsWhere = <C extends SelectedFields>(
  columns: C,
  from: SQLiteTable | SQL,
  where: SQL | undefined,
  page?: Page,
) => selected(columns, from, where, page) as RowsWhere<SelectResultFields<C>>;

function selected(
  columns: SelectedFields | undefined,
  from: SQLiteTable | SQL,
  where: SQL | undefined,
  { orderBy, limit }: Page = {},
): unknown {
  return statement((q) => {
    const select = (columns ? q.select(columns) : q.select()).from(from).where(where).$dynamic();
    if (orderBy) select.orderBy(orderBy);
    if (limit !== undefined) select.limit(typeof limit === "string" ? boundLimit(limit) : fixedLimit(limit));
    return select.prepare();
  });
}

/** Prepares the rows of a table by a time column: the earliest time, and those whose time has come. `where`: as the index has it. */
export function byTime<T extends SQLiteTable>(table: T, time: Names<T>, where?: SQL) {
  const at = getTableColumns(table)[time] as SQLiteColumn;
  const first = columnsWhere({ at: sql<number>`${at}` }, table, where, { orderBy: asc(at), limit: 1 });
  const due = rowsWhere(table, and(where, lte(at, bound("now"))), { orderBy: asc(at), limit: "limit" });
  return {
    /** null for none. */
    earliest: async (on: ReadTx): Promise<number | null> => first(on).get()?.at ?? null,
    ripe: async (on: ReadTx, now: number, limit: number): Promise<T["$inferSelect"][]> => due(on).all({ now, limit }),
  };
}

/** Prepares a change of the rows under a condition. */
export const changeWhere = <T extends SQLiteTable>(table: T, set: SQLiteUpdateSetSource<T>, where: SQL | undefined) =>
  statement((q) => q.update(table).set(set).where(where).prepare());

/** Prepares storing a row: all columns of the row with the same `key` are replaced. */
export function putWhole<T extends SQLiteTable>(table: T, key: SQLiteColumn) {
  const given = Object.entries(getTableColumns(table)).map(([name, { name: column }]) => [
    name,
    sql`excluded.${sql.identifier(column)}`,
  ]);
  const set = Object.fromEntries(given) as SQLiteUpdateSetSource<T>;
  return statement((q) =>
    q.insert(table).values(everyColumn(table)).onConflictDoUpdate({ target: key, set }).prepare(),
  );
}

/** Rows that one statement inserts. */
const AT_ONCE = 32;

type Value = string | number | null;

/**
 * Prepares inserting many rows, each with its values in the order of the columns: a call for each row costs more than storing it.
 * @param onConflict clause of SQL
 */
export function insertRows(table: SQLiteTable, onConflict: string) {
  const names = Object.values(getTableColumns(table)).map(({ name }) => `"${name}"`);
  const row = `(${names.map(() => "?").join()})`;
  const insert = (count: number) =>
    statementOf(
      `insert into ${getTableName(table)} (${names.join()}) values ${Array(count).fill(row).join()} on conflict ${onConflict}`,
    );
  const [many, one] = [insert(AT_ONCE), insert(1)];
  return (tx: Tx, rows: readonly (readonly Value[])[]): void => {
    let from = 0;
    for (; from + AT_ONCE <= rows.length; from += AT_ONCE) many(tx).run(...rows.slice(from, from + AT_ONCE).flat());
    for (; from < rows.length; from++) one(tx).run(...(rows[from] ?? []));
  };
}

/** Prepares the number of rows under a condition, counted up to the parameter `limit`. */
export function countWhere(table: SQLiteTable, where: SQL | undefined) {
  const some = sql`(select 1 from ${table} where ${where} limit ${bound("limit")})`;
  const counted = statement((q) => q.select({ n: sql<number>`count(*)` }).from(some).prepare());
  return (on: ReadTx, values: Record<string, unknown>): number => counted(on).get(values)?.n ?? 0;
}
