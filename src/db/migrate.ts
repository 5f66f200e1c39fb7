import { join } from "node:path";
import { migrate } from "drizzle-orm/bun-sqlite/migrator";
import type { Drizzle } from "./connection.ts";

const FOLDER = join(import.meta.dir, "../../drizzle");

/** Runs the numbered SQL of `drizzle/` that this file has not seen yet. Each runs once, in a transaction. */
export function migrateToLatest(db: Drizzle): void {
  migrate(db, { migrationsFolder: FOLDER });
}
