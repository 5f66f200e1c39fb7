import { Database as Sqlite } from "bun:sqlite";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";

/** One connection, as drizzle has it, with its prepared statements by number. */
export type Drizzle = BunSQLiteDatabase & { $client: Sqlite; prepared: unknown[] };

export type Durability = "full" | "normal";

/** Autocheckpoint at 8,000 pages: 1.4 times the inserts of SQLite's 1,000, and the log file stays below 40 MB. */
const CHECKPOINT_PAGES = 8000;
const CACHE_KIB = 64 * 1024;
/** Time to wait for a lock of another connection (a backup, a shell). */
const BUSY_MS = 5000;

/** Opens the single writing connection. `full` survives power loss, `normal` only the death of the process. */
export function openWriter(file: string, durability: Durability): Drizzle {
  const sqlite = new Sqlite(file, { create: true, strict: true });
  sqlite.run(`pragma busy_timeout = ${BUSY_MS}`);
  // SQLite accepts incremental vacuum only before the first table exists.
  sqlite.run("pragma auto_vacuum = incremental");
  sqlite.run("pragma journal_mode = wal");
  sqlite.run(`pragma synchronous = ${durability}`);
  sqlite.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  return configured(sqlite);
}

/** Opens a read-only connection; each read sees the state committed at its beginning. */
export function openReader(file: string): Drizzle {
  const sqlite = new Sqlite(file, { readwrite: true, strict: true });
  sqlite.run("pragma query_only = on");
  return configured(sqlite);
}

function configured(sqlite: Sqlite): Drizzle {
  sqlite.run(`pragma busy_timeout = ${BUSY_MS}`);
  sqlite.run("pragma foreign_keys = on");
  sqlite.run(`pragma cache_size = -${CACHE_KIB}`);
  sqlite.run("pragma temp_store = memory");
  return Object.assign(drizzle(sqlite), { prepared: [] });
}
