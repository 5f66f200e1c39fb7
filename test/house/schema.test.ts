import { Database as Sqlite } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { type DrizzleSQLiteSnapshotJSON, generateSQLiteDrizzleJson, generateSQLiteMigration } from "drizzle-kit/api";
import { lookInto, openTestDatabase, schemaOf } from "../support/database.ts";

const ROOT = join(import.meta.dir, "../..");

/** Tables of the tables files, as drizzle-kit keeps them. */
async function declared(): Promise<DrizzleSQLiteSnapshotJSON> {
  const tables: Record<string, unknown> = {};
  for (const file of new Glob("src/**/tables.ts").scanSync(ROOT)) Object.assign(tables, await import(join(ROOT, file)));
  return generateSQLiteDrizzleJson(tables);
}

/** The snapshot that the newest migration left behind. */
function newestSnapshot(): DrizzleSQLiteSnapshotJSON {
  const meta = join(ROOT, "drizzle/meta");
  const journal = JSON.parse(readFileSync(join(meta, "_journal.json"), "utf8")) as { entries: { idx: number }[] };
  const newest = Math.max(...journal.entries.map((entry) => entry.idx));
  return JSON.parse(readFileSync(join(meta, `${String(newest).padStart(4, "0")}_snapshot.json`), "utf8"));
}

const NOTHING = {
  version: "6",
  dialect: "sqlite",
  id: "",
  prevId: "",
  tables: {},
  views: {},
  enums: {},
  _meta: { tables: {}, columns: {} },
} as unknown as DrizzleSQLiteSnapshotJSON;

describe("the tables files", () => {
  test("the tables files ask for nothing that the migrations do not make", async () => {
    expect(await generateSQLiteMigration(newestSnapshot(), await declared())).toEqual([]);
  });

  test("the tables files describe the database that the migrations make", async () => {
    const { db } = openTestDatabase();
    const migrated = lookInto(db.file, schemaOf);
    const fresh = new Sqlite(":memory:");
    for (const statement of await generateSQLiteMigration(NOTHING, await declared())) fresh.run(statement);
    expect(migrated.length).toBeGreaterThan(20);
    expect(migrated).toEqual(schemaOf(fresh));
    fresh.close();
  });

  test("the tables files keep their migrations in order: each is in the journal, and its file is there", () => {
    const journal = JSON.parse(readFileSync(join(ROOT, "drizzle/meta/_journal.json"), "utf8")) as {
      entries: { idx: number; tag: string; when: number }[];
    };
    const files = [...new Glob("*.sql").scanSync(join(ROOT, "drizzle"))].sort();
    expect(journal.entries.map((entry) => `${entry.tag}.sql`)).toEqual(files);
    expect(journal.entries.map((entry) => entry.idx)).toEqual(files.map((_, i) => i));
    const times = journal.entries.map((entry) => entry.when);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
