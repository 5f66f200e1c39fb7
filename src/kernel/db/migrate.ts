import { join } from "node:path";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import { FOLDER } from "../../root.ts";
import type { Drizzle } from "./connection.ts";

/** The numbered SQL of `drizzle/`, put into bundles by scripts/build.ts. */
declare const EMBEDDED_MIGRATIONS: MigrationMeta[] | undefined;

const migrations = (): MigrationMeta[] =>
  typeof EMBEDDED_MIGRATIONS === "undefined"
    ? readMigrationFiles({ migrationsFolder: join(FOLDER, "../drizzle") })
    : EMBEDDED_MIGRATIONS;

/** The table in which drizzle's own migrator writes down what ran; so files that it made go on. */
const RECORD = `create table if not exists __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)`;

/**
 * Runs the numbered SQL of `drizzle/` that this file has not seen yet, in one transaction. Not with drizzle's migrator: that
 * sends each of 200 statements through its query builder, half of what a first start spends in the database.
 */
export function migrateToLatest({ $client: sqlite }: Drizzle): void {
  const run = sqlite.transaction(() => {
    sqlite.run(RECORD);
    const newest = sqlite.prepare("select max(created_at) as at from __drizzle_migrations").get() as {
      at: number | null;
    };
    const record = sqlite.prepare("insert into __drizzle_migrations (hash, created_at) values (?, ?)");
    for (const { sql, hash, folderMillis } of migrations()) {
      if (newest.at !== null && folderMillis <= newest.at) continue;
      for (const statement of sql) sqlite.run(statement);
      record.run(hash, folderMillis);
    }
  });
  run.immediate();
}
