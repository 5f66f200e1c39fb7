import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";

const SRC = join(import.meta.dir, "../../src");
const MAX_LINES = 350;

/** Areas of the relay, lowest first: an area imports itself and those before it. */
const RELAY = ["protocol", "kernel", "identity", "core", "features", "edges", "ops", "relay"];
/** Areas that each program beside the relay may import, besides itself. */
const PROGRAMS: Record<string, string[]> = {
  client: ["protocol"],
  adapters: ["protocol", "client"],
  harness: ["protocol", "client"],
  daemon: ["protocol", "client", "harness"],
  console: ["protocol", "client"],
  cli: ["protocol", "client", "adapters", "harness", "daemon"],
};
/** The command line works on the files of a relay here, and is the relay itself in `serve`: both load late. */
const LATE_FOR_CLI = ["main.ts", "kernel/db/restore.ts", "kernel/db/examine.ts"];

/** Files that build the stores of their area. */
const BUILDERS = ["kernel/kernel.ts", "identity/base.ts", "core/base.ts"];

interface Import {
  file: string;
  /** Path below src, or a package's name. */
  from: string;
  isType: boolean;
  isLate: boolean;
}

async function imports(): Promise<Import[]> {
  const found: Import[] = [];
  for await (const file of new Glob("**/*.{ts,tsx}").scan(SRC)) {
    const text = await Bun.file(join(SRC, file)).text();
    const at = (from: string) => (from.startsWith(".") ? join(file, "..", from) : from);
    for (const match of text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"/gms))
      found.push({ file, from: at(match[2] ?? ""), isType: match[1] !== undefined, isLate: false });
    for (const [, from = ""] of text.matchAll(/\bimport\("([^"]+)"\)/g))
      found.push({ file, from: at(from), isType: false, isLate: true });
  }
  return found;
}

const nameOf = (path: string): string => path.split("/").at(-1) ?? "";
const folderOf = (path: string): string => path.split("/").slice(0, -1).join("/");
/** Facts about the program itself, which every area may know. */
const FACTS = ["root.ts", "version.ts"];
/** The first folder; files directly below src belong to the relay program. */
const areaOf = (path: string): string => {
  if (FACTS.includes(path)) return "kernel";
  return path.includes("/") ? (path.split("/")[0] ?? "") : "relay";
};
const isOurs = (path: string): boolean => /\.tsx?$/.test(path);
const broken = (list: Import[]): string[] => list.map(({ file, from }) => `${file} imports ${from}`).sort();

const all = await imports();

/** Files and packages that a program loads at its start, from its first files on. */
function loadedBy(first: string[]): Set<string> {
  const loaded = new Set(first);
  for (const file of loaded)
    for (const { from } of all.filter((one) => one.file === file && !one.isType && !one.isLate)) loaded.add(from);
  return loaded;
}

/** Chains of files that end where they began. Late imports and types count. */
function cycles(): string[] {
  const next = Map.groupBy(
    all.filter((one) => isOurs(one.from)),
    (one) => one.file,
  );
  const found: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, path: string[]): void => {
    if (state.get(file) === "open") found.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (state.has(file)) return;
    state.set(file, "open");
    for (const { from } of next.get(file) ?? []) visit(from, [...path, file]);
    state.set(file, "done");
  };
  for (const file of next.keys()) visit(file, []);
  return found;
}

describe("the layout", () => {
  test("the areas of the relay import only those below them", () => {
    const rank = (path: string) => RELAY.indexOf(areaOf(path));
    const bad = all.filter(
      ({ file, from }) => isOurs(from) && rank(file) >= 0 && (rank(from) < 0 || rank(from) > rank(file)),
    );
    // The relay runs the chat adapters of its settings itself.
    const inServer = ({ file, from }: Import) => areaOf(file) === "relay" && areaOf(from) === "adapters";
    expect(broken(bad.filter((one) => !inServer(one)))).toEqual([]);
  });

  test("the other programs see the protocol and the programs below them, never the relay's inside", () => {
    const bad = all.filter(({ file, from, isLate }) => {
      const allowed = PROGRAMS[areaOf(file)];
      if (!allowed || !isOurs(from) || (isLate && LATE_FOR_CLI.includes(from))) return false;
      return ![areaOf(file), ...allowed].includes(areaOf(from));
    });
    expect(broken(bad)).toEqual([]);
  });

  test("a store is imported by its own folder, and by the file that builds its area", () => {
    const isBuilder = ({ file, from }: Import) => BUILDERS.includes(file) && areaOf(file) === areaOf(from);
    const bad = all.filter(
      (one) =>
        /^store[\w-]*\.ts$/.test(nameOf(one.from)) && folderOf(one.file) !== folderOf(one.from) && !isBuilder(one),
    );
    expect(broken(bad)).toEqual([]);
  });

  test("no files import each other in a circle", () => {
    expect(cycles()).toEqual([]);
  });

  test("the protocol imports zod and nothing else", () => {
    const bad = all.filter(({ file, from }) => areaOf(file) === "protocol" && areaOf(from) !== "protocol");
    expect(broken(bad.filter(({ from }) => from !== "zod"))).toEqual([]);
  });

  test("drizzle stays in db, tables and stores", () => {
    const bad = all.filter(
      ({ file, from }) =>
        from.startsWith("drizzle") &&
        !file.startsWith("kernel/db/") &&
        !/^(store|tables)[\w-]*\.ts$/.test(nameOf(file)),
    );
    expect(broken(bad)).toEqual([]);
  });

  test("bun:sqlite stays in db, and in the daemon's journal", () => {
    const bad = all.filter(({ file, from }) => from === "bun:sqlite" && !/^(kernel\/db|daemon\/journal)\//.test(file));
    expect(broken(bad)).toEqual([]);
  });

  test("elysia stays in http", () => {
    const bad = all.filter(({ file, from }) => from.startsWith("elysia") && !file.startsWith("edges/http/"));
    expect(broken(bad)).toEqual([]);
  });

  test("the client needs nothing but zod", () => {
    const bad = all.filter(({ file, from }) => areaOf(file) === "client" && !isOurs(from) && from !== "zod");
    expect(broken(bad)).toEqual([]);
  });

  test("adapters reach each platform through its library, which nothing else imports", () => {
    const LIBRARIES = /^(grammy\/|@slack\/|zod$|node:os$)/;
    const bad = all.filter(({ file, from }) => areaOf(file) === "adapters" && !isOurs(from) && !LIBRARIES.test(from));
    expect(broken(bad)).toEqual([]);
    const elsewhere = all.filter(({ file, from }) => areaOf(file) !== "adapters" && /^(grammy|@slack\/)/.test(from));
    expect(broken(elsewhere)).toEqual([]);
  });

  test("a start loads nothing that only some installations use", () => {
    const loaded = loadedBy(["main.ts"]);
    expect(loaded.size).toBeGreaterThan(200);
    const LATE =
      /^(grammy|@slack\/|undici|@modelcontextprotocol\/|@a2a-js\/|@agentclientprotocol\/|swagger-ui-dist|prom-client$|node:https?$|adapters\/)/;
    // Shapes and routes of calls: a start that answers none of them builds none.
    const UNUSED =
      /^(edges\/a2a\/inside|edges\/http\/openapi|(identity|core|features|edges|ops)\/[\w-]+\/routes|core\/inbox\/(socket|socket-route)|protocol\/(a2a|a2a-bindings|activity|agents|bindings|channels|delegations|digest|documents|explain|files|inbox|integrations|jobs|loops|messages|models|orchestrators|pairs|schedules|sessions|sockets|streams|tasks|task-routes|threads|tokens|traces|webhooks|work))\.ts/;
    expect([...loaded].filter((from) => LATE.test(from) || UNUSED.test(from))).toEqual([]);
  });

  test("an idle daemon has loaded nothing that only sessions use, no command line and no verbs that it does not call", () => {
    const adapters = all.filter(({ file, isLate }) => file === "daemon/providers.ts" && isLate);
    expect(adapters).toHaveLength(4);
    const loaded = loadedBy(["cli/daemon.ts", ...adapters.map(({ from }) => from)]);
    expect(loaded.size).toBeGreaterThan(150);
    const SESSIONS =
      /^harness\/providers\/(\w+\/(session|exec-session|turns|exec-turn|wire|lines|messages|events|updates|asks)|questions)\.ts/;
    const UNUSED =
      /^(commander|@agentclientprotocol\/|@modelcontextprotocol\/|client\/client\.ts|protocol\/(a2a|channels|integrations|jobs|loops|models|schedules|webhooks)\.ts)/;
    expect([...loaded].filter((from) => SESSIONS.test(from) || UNUSED.test(from))).toEqual([]);
  });

  test("no file has more than 350 lines", async () => {
    const long: string[] = [];
    for await (const file of new Glob("**/*.{ts,tsx}").scan(SRC))
      if ((await Bun.file(join(SRC, file)).text()).trimEnd().split("\n").length > MAX_LINES) long.push(file);
    expect(long.sort()).toEqual([]);
  });

  test("the environment is read in config, the time in the clock", async () => {
    const bad: string[] = [];
    for await (const file of new Glob("**/*.ts").scan(SRC)) {
      if (areaOf(file) in PROGRAMS) continue;
      const text = await Bun.file(join(SRC, file)).text();
      if (file !== "config.ts" && /process\.env|Bun\.env/.test(text)) bad.push(`${file} reads the environment`);
      // The group commit, searches and long work measure their own steps; nothing is decided by the hour there.
      const MEASURING = [
        "kernel/clock.ts",
        "kernel/db/commit.ts",
        "kernel/db/batch.ts",
        "kernel/db/worker.ts",
        "kernel/breathe.ts",
      ];
      if (!MEASURING.includes(file) && /Date\.now\(|performance\.now\(/.test(text)) bad.push(`${file} reads the time`);
    }
    expect(bad).toEqual([]);
  });
});
