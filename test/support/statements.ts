import { type SQLQueryBindings, Database as Sqlite } from "bun:sqlite";
import { spyOn } from "bun:test";
import { atEnd } from "./relay.ts";

/** One statement as it went to SQLite. */
export interface Ran {
  sql: string;
  params: SQLQueryBindings[];
}

export interface Recorder {
  /** Statements that reach the database while `work` runs, each text once. */
  during(work: () => Promise<unknown>): Promise<Ran[]>;
  /** How many statements ran since the last `during` began. */
  count(): number;
  /** Whether such a statement has run since the last `during` began. */
  heard(text: RegExp): boolean;
  /** The connection that writes, of the database that was opened last. */
  writer(): Sqlite;
}

type Bound = Record<(typeof CALLS)[number], (...params: SQLQueryBindings[]) => unknown>;
const CALLS = ["all", "get", "values", "run"] as const;

/** Listens in on every statement that is prepared from now on: what is explained in a test is what really runs. */
export function recordStatements(): Recorder {
  const heard = new Map<string, Ran>();
  let writer: Sqlite | undefined;
  let ran = 0;
  const prepare = Sqlite.prototype.prepare;
  const spy = spyOn(Sqlite.prototype, "prepare").mockImplementation(function (
    this: Sqlite,
    ...given: Parameters<typeof prepare>
  ) {
    const [sql] = given;
    if (sql === "begin immediate") writer = this;
    const statement = prepare.apply(this, given);
    const bound = statement as unknown as Bound;
    for (const call of CALLS) {
      const run = bound[call];
      bound[call] = (...params) => {
        ran++;
        if (!heard.has(sql)) heard.set(sql, { sql, params });
        return run.apply(statement, params);
      };
    }
    return statement;
  } as typeof prepare);
  atEnd(async () => spy.mockRestore());
  return {
    async during(work) {
      heard.clear();
      ran = 0;
      await work();
      return [...heard.values()];
    },
    count: () => ran,
    heard: (text) => [...heard.keys()].some((sql) => text.test(sql)),
    writer() {
      if (!writer) throw new Error("no database was opened");
      return writer;
    },
  };
}

/** How SQLite goes about a statement, one line for each table it looks into. */
export function planOf(sqlite: Sqlite, { sql, params }: Ran): string[] {
  const rows = sqlite.prepare(`explain query plan ${sql}`).all(...params) as { detail: string }[];
  return rows.map((row) => row.detail);
}
