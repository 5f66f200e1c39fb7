import { and, asc, desc, type GetColumnData, getTableColumns, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { ReadTx } from "./database.ts";

/** Most rows that one page of a filtered list visits. */
const MAX_VISITED = 20_000;

interface Page {
  /** One or several; the primary key or the index decides without it. */
  orderBy?: SQL | SQLiteColumn | (SQL | SQLiteColumn)[];
  limit?: number;
}

/** Rows of a table under a condition. Not prepared: for reads that are rare, or whose condition varies. */
export function readRows<T extends SQLiteTable>(
  on: ReadTx,
  table: T,
  where: SQL | undefined,
  { orderBy = [], limit }: Page = {},
): T["$inferSelect"][] {
  const select = on.db
    .select()
    .from<SQLiteTable>(table)
    .where(where)
    .orderBy(...[orderBy].flat())
    .$dynamic();
  return (limit === undefined ? select : select.limit(limit)).all();
}

/** As `readRows`, the values of one column. */
export function readValues<C extends SQLiteColumn>(
  on: ReadTx,
  column: C,
  where: SQL | undefined,
  { orderBy = [], limit }: Page = {},
): GetColumnData<C>[] {
  const select = on.db
    .select({ value: column as SQLiteColumn })
    .from(column.table)
    .where(where)
    .orderBy(...[orderBy].flat())
    .$dynamic();
  return (limit === undefined ? select : select.limit(limit)).all().map(({ value }) => value as GetColumnData<C>);
}

interface VisitedPage<T extends SQLiteTable> {
  /** Where the page begins, by the key. */
  next: SQL | undefined;
  newestFirst: boolean;
  fits(row: T["_"]["columns"]): SQL | undefined;
  limit: number;
}

/** Rows that fit among the next 20,000 by a key; `reached` is the key of the last row visited, null at the end of the table. */
export function visitedPage<T extends SQLiteTable, K extends keyof T["_"]["columns"] & string>(
  on: ReadTx,
  table: T,
  key: K,
  { next, newestFirst, fits, limit }: VisitedPage<T>,
) {
  type Key = GetColumnData<T["_"]["columns"][K]>;
  const order = newestFirst ? desc : asc;
  const column = getTableColumns(table)[key] as SQLiteColumn;
  const some = on.db.select().from<SQLiteTable>(table).where(next).orderBy(order(column)).limit(MAX_VISITED).as("some");
  const columns = some as unknown as T["_"]["columns"];
  const found = on.db
    .select()
    .from(some)
    .where(fits(columns))
    .orderBy(order(columns[key] as SQLiteColumn))
    .limit(limit);
  const rows = found.all() as T["$inferSelect"][];
  if (rows.length === limit) return { rows, reached: (rows.at(-1)?.[key] as Key | undefined) ?? null };
  const walk = on.db.select({ key: column }).from<SQLiteTable>(table).where(next).orderBy(order(column));
  const last = walk
    .limit(1)
    .offset(MAX_VISITED - 1)
    .get();
  return { rows, reached: (last?.key as Key | undefined) ?? null };
}

/** Part of a walk along a table, by a number that rises. */
export interface Walk {
  after: number;
  upTo: number;
  /** Most that are taken. */
  limit: number;
  /** Most rows that are visited for them. */
  visit: number;
}

/** Rows that a part of a walk took; `reached` is where the next part begins, null at the end. */
export interface Walked<Id> {
  taken: { place: number; id: Id }[];
  reached: number | null;
}

interface WalkOver<T extends SQLiteTable> {
  table: T;
  place: SQL | SQLiteColumn;
  id: SQLiteColumn;
  /** Rows that are visited: in the words of an index. */
  among: SQL | undefined;
  /** Rows among those that are taken. */
  fits: SQL | undefined;
}

/** One part of a walk: rows that fit, in order, among the next `visit` rows. */
export function walk<Id, T extends SQLiteTable = SQLiteTable>(
  on: ReadTx,
  { table, place, id, among, fits }: WalkOver<T>,
  { after, upTo, limit, visit }: Walk,
): Walked<Id> {
  const number = sql<number>`${place}`;
  const within = (end: number) => and(among, sql`${place} > ${after}`, sql`${place} <= ${end}`);
  const from = on.db.select({ place: number }).from<SQLiteTable>(table).where(within(upTo)).orderBy(asc(number));
  const end = from
    .limit(1)
    .offset(visit - 1)
    .get()?.place;
  const found = on.db
    .select({ place: number, id: id as SQLiteColumn })
    .from<SQLiteTable>(table)
    .where(and(within(end ?? upTo), fits))
    .orderBy(asc(number))
    .limit(limit)
    .all() as { place: number; id: Id }[];
  return { taken: found, reached: found.length === limit ? (found.at(-1)?.place ?? null) : (end ?? null) };
}
