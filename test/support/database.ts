import { Database as Sqlite } from "bun:sqlite";
import { spyOn } from "bun:test";
import { sql } from "drizzle-orm";
import { type Db, openDatabase, type ReadTx, type Tx } from "../../src/kernel/db/database.ts";
import { atEnd, tempFolder } from "./relay.ts";

export interface TestDatabase {
  db: Db;
  dataDir: string;
  /** Errors that no caller could be told. */
  reported: { error: unknown; stage: string }[];
  /** How many writes each commit held. */
  commits: number[];
  /** Again is no harm. */
  close(): Promise<void>;
}

/** A database of its own, migrated and empty. */
export function openTestDatabase(dataDir = tempFolder()): TestDatabase {
  const reported: TestDatabase["reported"] = [];
  const commits: number[] = [];
  const db = openDatabase({ dataDir, durability: "full", onError: (error, stage) => reported.push({ error, stage }) });
  db.afterBatch((writes) => commits.push(writes));
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= db.close();
    return closed;
  };
  atEnd(close);
  return { db, dataDir, reported, commits, close };
}

/** Lets the number of writes alone end a commit: on a busy machine the 5 ms of one may be over after any write. */
export function stopCommitTimer(): void {
  const spy = spyOn(performance, "now").mockReturnValue(performance.now());
  atEnd(async () => spy.mockRestore());
}

/** Sets a mark: the least that a write can do. */
export async function mark(tx: Tx, name: string, position = 1): Promise<string> {
  tx.db.run(sql`insert into marks (name, position) values (${name}, ${position})
    on conflict (name) do update set position = excluded.position`);
  return name;
}

/** The names of the marks there are, but for those that a fresh database has. */
export const marks = async (on: ReadTx): Promise<string[]> =>
  on.db
    .all<{ name: string }>(sql`select name from marks where name not in ('floor', 'indexed', 'entries') order by rowid`)
    .map((row) => row.name);

/** Looks into a database file from outside. */
export function lookInto<T>(file: string, look: (sqlite: Sqlite) => T): T {
  const sqlite = new Sqlite(file, { readwrite: true });
  try {
    return look(sqlite);
  } finally {
    sqlite.close();
  }
}

/** Tables and indexes; but for SQLite's own, the search index and the index by target, which only SQL can declare. */
export function schemaOf(sqlite: Sqlite): { name: string; sql: string }[] {
  const rows = sqlite
    .prepare("select name, sql from sqlite_schema where sql is not null order by type, name")
    .all() as { name: string; sql: string }[];
  return (
    rows
      .filter(({ name }) => !/^(sqlite_|search|entries)/.test(name))
      // drizzle declares no tables without row ids.
      .map(({ name, sql }) => ({ name, sql: inOrder(sql.replace(/ WITHOUT ROWID$/, "").replaceAll(/\s+/g, " ")) }))
  );
}

/** A column that was added later stands last in the table, wherever the tables file has it. */
function inOrder(sql: string): string {
  const table = /^(CREATE TABLE \S+ \()(.*)\)$/.exec(sql);
  if (!table) return sql;
  const parts = (table[2] ?? "").split(/,(?![^(]*\))/).map((part) => part.trim());
  return `${table[1]}${parts.sort().join(", ")})`;
}
