import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";

const SRC = join(import.meta.dir, "../src");

/** A feature may use those of its own line and of those before it, never those after it. */
const RANKS = [
  ["idempotency", "activity", "auth"],
  ["agents"],
  ["messages"],
  ["traces", "guard", "orchestrators", "tasks", "pairs", "delegations", "channels", "files", "webhooks", "schedules"],
  ["integrations", "mcp-sessions"],
  ["envelope", "inbox"],
  ["a2a", "mcp", "wake"],
  ["health"],
];
const RANK = RANKS.flat();
const rankOf = (room: string): number => RANKS.findIndex((line) => line.includes(room));
const MECHANISMS = ["db", "log", "due", "egress"];
const OUTSIDE = ["client", "adapters", "cli"];
/** Shapes that lie below everything: they import nothing but each other and zod. */
const SHAPES = new Set(["wire.ts", "problem.ts", "numbers.ts"]);

interface Import {
  file: string;
  room: string;
  /** Path below src, or a package's name. */
  what: string;
  typeOnly: boolean;
  /** Loaded when it is first used. */
  isLate: boolean;
}

async function imports(): Promise<Import[]> {
  const found: Import[] = [];
  for await (const file of new Glob("**/*.ts").scan(SRC)) {
    const text = await Bun.file(join(SRC, file)).text();
    for (const match of text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"/gms)) {
      const from = match[2] ?? "";
      const what = from.startsWith(".") ? join(file, "..", from) : from;
      found.push({ file, room: roomOf(file), what, typeOnly: match[1] !== undefined, isLate: false });
    }
    for (const [, from = ""] of text.matchAll(/\bimport\("([^"]+)"\)/g)) {
      const what = from.startsWith(".") ? join(file, "..", from) : from;
      found.push({ file, room: roomOf(file), what, typeOnly: false, isLate: true });
    }
  }
  return found;
}

const roomOf = (path: string): string => (path.includes("/") ? (path.split("/")[0] ?? "") : "");
const nameOf = (path: string): string => path.split("/").at(-1) ?? "";
const isSchema = (path: string): boolean => /^([\w-]+-)?schema\.ts$/.test(nameOf(path)) || SHAPES.has(path);
const broken = (list: Import[]): string[] => list.map(({ file, what }) => `${file} imports ${what}`);

const all = await imports();

describe("who may import whom", () => {
  test("there is something to look at", () => {
    expect(all.length).toBeGreaterThan(200);
  });

  test("log, due, db and egress know no feature", () => {
    const bad = all.filter(({ room, what }) => MECHANISMS.includes(room) && RANK.includes(roomOf(what)));
    expect(broken(bad)).toEqual([]);
  });

  test("a feature uses only features of a lower rank, beyond their schemas", () => {
    const bad = all.filter(({ file, room, what }) => {
      const [from, to] = [rankOf(room), rankOf(roomOf(what))];
      // Wire shapes name each other's ids.
      return from >= 0 && to > from && !(isSchema(file) && isSchema(what));
    });
    expect(broken(bad)).toEqual([]);
  });

  test("drizzle stays in db, tables and stores", () => {
    const bad = all.filter(
      ({ file, room, what }) =>
        what.startsWith("drizzle") && room !== "db" && !/^(store|tables)[\w-]*\.ts$/.test(nameOf(file)),
    );
    expect(broken(bad)).toEqual([]);
  });

  test("bun:sqlite stays in db", () => {
    expect(broken(all.filter(({ room, what }) => what === "bun:sqlite" && room !== "db"))).toEqual([]);
  });

  test("elysia stays in http", () => {
    expect(broken(all.filter(({ room, what }) => what.startsWith("elysia") && room !== "http"))).toEqual([]);
  });

  test("a schema imports schemas and zod alone", () => {
    const bad = all.filter(({ file, what }) => isSchema(file) && what !== "zod" && !isSchema(what));
    expect(broken(bad)).toEqual([]);
  });

  test("client, adapters and command line see schemas, never the server's inside", () => {
    const inside = ({ room, what }: Import) =>
      OUTSIDE.includes(room) && what.endsWith(".ts") && !OUTSIDE.includes(roomOf(what)) && !isSchema(what);
    // `signalbox serve` is the relay itself, `restore` works on the files of a stopped one: both load it only then.
    const own = ["main.ts", "db/restore.ts"];
    expect(broken(all.filter((one) => inside(one) && !(one.isLate && own.includes(one.what))))).toEqual([]);
    const rankOfOutside = (room: string) => OUTSIDE.indexOf(room);
    const upwards = ({ room, what }: Import) =>
      OUTSIDE.includes(room) && rankOfOutside(roomOf(what)) > rankOfOutside(room);
    expect(broken(all.filter(upwards))).toEqual([]);
  });

  test("the client needs nothing but zod", () => {
    const bad = all.filter(({ room, what }) => room === "client" && !what.endsWith(".ts") && what !== "zod");
    expect(broken(bad)).toEqual([]);
  });

  test("adapters reach the relay through the client alone, and each platform through its library", () => {
    const LIBRARIES = /^(grammy\/|@slack\/|zod$|node:os$)/;
    const bad = all.filter(({ room, what }) => room === "adapters" && !what.endsWith(".ts") && !LIBRARIES.test(what));
    expect(broken(bad)).toEqual([]);
    const elsewhere = all.filter(({ room, what }) => room !== "adapters" && /^(grammy|@slack\/)/.test(what));
    expect(broken(elsewhere)).toEqual([]);
  });

  test("a start loads nothing that only some installations use", () => {
    const loaded = new Set(["main.ts"]);
    for (const file of loaded)
      for (const { what } of all.filter((one) => one.file === file && !one.typeOnly && !one.isLate)) loaded.add(what);
    expect(loaded.size).toBeGreaterThan(200);
    const LATE =
      /^(grammy|@slack\/|undici|@modelcontextprotocol\/|@a2a-js\/|swagger-ui-dist|prom-client$|node:https?$|adapters\/)/;
    const UNUSED =
      /^(a2a\/(inside|schema)|(activity|channels|files|guard|health|integrations|orchestrators|pairs|schedules|traces|webhooks)\/routes|(activity|channels|files|guard|integrations|orchestrators|pairs|schedules|wake|webhooks)\/schema|http\/openapi)/;
    expect([...loaded].filter((what) => LATE.test(what) || UNUSED.test(what))).toEqual([]);
  });

  test("the environment is read in config, the time in the clock", async () => {
    const bad: string[] = [];
    for await (const file of new Glob("**/*.ts").scan(SRC)) {
      if (OUTSIDE.includes(roomOf(file))) continue;
      const text = await Bun.file(join(SRC, file)).text();
      if (file !== "config.ts" && /process\.env|Bun\.env/.test(text)) bad.push(`${file} reads the environment`);
      // The group commit, searches and long work measure their own steps; nothing is decided by the hour there.
      if (
        !["clock.ts", "db/commit.ts", "db/worker.ts", "breathe.ts"].includes(file) &&
        /Date\.now\(|performance\.now\(/.test(text)
      )
        bad.push(`${file} reads the time`);
    }
    expect(bad).toEqual([]);
  });
});
