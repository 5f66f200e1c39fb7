import { fileURLToPath } from "node:url";
import { migrate } from "drizzle-orm/bun-sqlite/migrator";
import { ROOT } from "../root.ts";
import type { Drizzle } from "./connection.ts";

const FOLDER = fileURLToPath(new URL("drizzle", ROOT));

/** Runs the numbered SQL of `drizzle/` that this file has not seen yet. Each runs once, in a transaction. */
export function migrateToLatest(db: Drizzle): void {
  migrate(db, { migrationsFolder: FOLDER });
}
