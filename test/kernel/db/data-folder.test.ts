import { describe, expect, test } from "bun:test";
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "../../../src/kernel/db/database.ts";
import { lookInto, mark, marks, openTestDatabase } from "../../support/database.ts";
import { ENGINE, RELAY } from "../../support/program.ts";
import { tempFolder } from "../../support/relay.ts";
import { startServer } from "../../support/server.ts";
import { inTime } from "../../support/until.ts";

/** Starts the server program and waits for it to give up. */
async function refusedStart(dataDir: string): Promise<{ code: number; said: string }> {
  const child = Bun.spawn([...RELAY], {
    env: { PATH: process.env.PATH ?? "", SIGNALBOX_DATA_DIR: dataDir, SIGNALBOX_PORT: "0", ...ENGINE },
    stdout: "pipe",
    stderr: "pipe",
  });
  try {
    const code = await inTime(child.exited, "the second server gives up");
    return { code, said: await new Response(child.stderr).text() };
  } finally {
    child.kill("SIGKILL");
  }
}

describe("a data folder", () => {
  test("a data folder belongs to one server: a second one says so and ends, and the first goes on", async () => {
    const first = await startServer();
    const second = await refusedStart(first.dataDir);
    expect(second.code).toBe(1);
    expect(second.said).toContain("another relay is using this data folder");
    expect(second.said).toContain(first.dataDir);
    expect(second.said).not.toContain("    at ");
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  test("a data folder is free again at once when its server was killed", async () => {
    const killed = await startServer();
    await killed.kill();
    const next = await startServer({ dataDir: killed.dataDir });
    expect((await fetch(`${next.url}/readyz`)).status).toBe(200);
    expect(next.operatorToken).toBe(killed.operatorToken);
  });

  test("a data folder is free again when its database was closed", async () => {
    const dataDir = tempFolder();
    const options = { dataDir, durability: "full" as const, onError: () => undefined };
    const first = openDatabase(options);
    expect(() => openDatabase(options)).toThrow("another relay is using this data folder");
    await first.write((tx) => mark(tx, "a"));
    await first.close();
    const second = openDatabase(options);
    expect(await second.read(marks)).toEqual(["a"]);
    await second.close();
  });
});

describe("a clean stop", () => {
  test("G1: a clean stop leaves everything in the one file, so that a copy of it alone is whole", async () => {
    const { db, dataDir, close } = openTestDatabase();
    await db.write((tx) => mark(tx, "kept"));
    await close();
    const copy = tempFolder();
    cpSync(join(dataDir, "signalbox.db"), join(copy, "signalbox.db"));
    expect(await openTestDatabase(copy).db.read(marks)).toEqual(["kept"]);
  });
});

describe("migrations", () => {
  const countOfRun = (file: string) =>
    lookInto(file, (sqlite) => sqlite.prepare("pragma user_version").values()[0]?.[0]);
  // The planner's statistics come and go.
  const schemaOf = (file: string) =>
    lookInto(file, (sqlite) =>
      sqlite.prepare("select name, sql from sqlite_schema where name not like 'sqlite_stat%' order by name").all(),
    );

  test("migrations run once: opening again changes neither the schema nor the data", async () => {
    const { db, dataDir, close } = openTestDatabase();
    await db.write((tx) => mark(tx, "kept"));
    const schema = schemaOf(db.file);
    const files = readdirSync(join(import.meta.dir, "../../../drizzle")).filter((name) => name.endsWith(".sql"));
    expect(countOfRun(db.file)).toBe(files.length);
    await close();

    const again = openTestDatabase(dataDir);
    expect(countOfRun(again.db.file)).toBe(files.length);
    expect(schemaOf(again.db.file)).toEqual(schema);
    expect(await again.db.read(marks)).toEqual(["kept"]);
  });

  test("migrations leave nothing half done when they were cut off: a copy without their record is refused, not damaged", async () => {
    const { db, dataDir, close } = openTestDatabase();
    await db.write((tx) => mark(tx, "kept"));
    await close();
    const copy = tempFolder();
    cpSync(join(dataDir, "signalbox.db"), join(copy, "signalbox.db"));
    const file = join(copy, "signalbox.db");
    lookInto(file, (sqlite) => sqlite.run("pragma user_version = 0"));
    const schema = schemaOf(file);
    expect(() => openDatabase({ dataDir: copy, durability: "full", onError: () => undefined })).toThrow();
    expect(schemaOf(file)).toEqual(schema);
    expect(lookInto(file, (sqlite) => sqlite.prepare("select 1 from marks where name = 'kept'").all())).toHaveLength(1);
  });
});
