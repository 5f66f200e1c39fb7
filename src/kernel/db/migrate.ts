import type { Database as Sqlite } from "bun:sqlite";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FOLDER } from "../../root.ts";
import type { Drizzle } from "./connection.ts";

/** Numbered SQL of `drizzle/`, put into bundles by scripts/build.ts. */
declare const EMBEDDED_MIGRATIONS: string[] | undefined;

/** Reads the SQL of a folder in the order of its numbers. */
export function migrationsIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => readFileSync(join(folder, name), "utf8"));
}

const migrations = (): string[] =>
  typeof EMBEDDED_MIGRATIONS === "undefined" ? migrationsIn(join(FOLDER, "../drizzle")) : EMBEDDED_MIGRATIONS;

const appliedTo = (sqlite: Sqlite): number =>
  (sqlite.prepare("pragma user_version").get() as { user_version: number }).user_version;

/** Numbers of migrations: already run in a database, and known to this program. */
export const schemaOf = (sqlite: Sqlite) => ({ applied: appliedTo(sqlite), brought: migrations().length });

/**
 * Runs the numbered SQL of `drizzle/` that is new to this database, in one transaction. The database's `user_version` counts
 * migrations that have run. SQLite reads it with the header, so checking an up-to-date database writes nothing.
 * @throws Error when a newer program made the database
 */
export function migrateToLatest({ $client: sqlite }: Drizzle): void {
  const all = migrations();
  const done = appliedTo(sqlite);
  if (done > all.length)
    throw new Error(
      `The database ${sqlite.filename} is newer than this program: it has had ${done} migrations, and this program knows ` +
        `${all.length}. Start the version that ran last, or a newer one; or restore a backup with signalbox restore.`,
    );
  if (done === all.length) return;
  const run = sqlite.transaction(() => {
    for (const sql of all.slice(done)) sqlite.run(sql);
    sqlite.run(`pragma user_version = ${all.length}`);
  });
  run.immediate();
}
