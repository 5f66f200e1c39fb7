import { Database as Sqlite } from "bun:sqlite";

/** Columns that the mere use of a token moves, and presence: an agent that is heard of is online again. */
const PASSING: Record<string, string[]> = { agents: ["last_seen_at", "status"], tokens: ["last_used_at"] };
/** Rows that never change: their count and the last one's place say everything. */
const APPENDED = ["messages", "activity"];
/** The relay's own bookkeeping, written after the answer: deliveries, and how far background work has come. */
const BOOKKEEPING = /^(offers|marks|losses|search.*|sqlite_.*)$/;

/** Looks at a relay's database from outside, and tells whether anything in it was changed. */
export interface Digest {
  take(): string;
  close(): void;
}

export function createDigest(file: string): Digest {
  const sqlite = new Sqlite(file, { readonly: true });
  const looks = tablesOf(sqlite).map((table) =>
    sqlite.query(
      APPENDED.includes(table)
        ? `select count(*), max(rowid) from ${table}`
        : `select ${lasting(sqlite, table)} from ${table}`,
    ),
  );
  const version = sqlite.query<{ data_version: number }, []>("pragma data_version");
  let seen = -1;
  let digest = "";
  return {
    take() {
      // SQLite counts the commits of other connections: without one there is nothing to look at.
      const now = version.get()?.data_version ?? -1;
      if (now !== seen) digest = String(Bun.hash(JSON.stringify(looks.map((look) => look.values()))));
      seen = now;
      return digest;
    },
    close: () => sqlite.close(),
  };
}

function tablesOf(sqlite: Sqlite): string[] {
  const tables = sqlite.query<{ name: string }, []>("select name from sqlite_schema where type = 'table'").all();
  return tables.flatMap(({ name }) => (BOOKKEEPING.test(name) ? [] : [name]));
}

function lasting(sqlite: Sqlite, table: string): string {
  const columns = sqlite.query<{ name: string }, []>(`pragma table_info(${table})`).all();
  return columns.flatMap(({ name }) => (PASSING[table]?.includes(name) ? [] : [`"${name}"`])).join(", ");
}
