import { Database as Sqlite } from "bun:sqlite";

/** Written by the mere use of a token, and by housekeeping that follows accepted writes. */
const PASSING: Record<string, string[]> = { agents: ["last_seen_at"], tokens: ["last_used_at"] };
/** Rows that never change: how many there are, and the last one's place, say everything. */
const APPENDED = ["messages", "activity"];
const WHOLE = [
  ...["agents", "instances", "memberships", "groups", "acks", "tokens", "work", "attempts", "reads"],
  ...["scheduled_messages", "due", "losses", "idempotency_keys", "tasks", "task_events", "integrations"],
  ...["channels", "channel_bindings", "channel_events", "channel_posts", "channel_parts", "webhook_channels"],
  ...["files", "file_uses", "a2a_agents", "a2a_calls", "a2a_pushes", "a2a_contexts"],
];

/** Looks at a relay's database from outside, and tells whether anything in it was changed. */
export interface Digest {
  take(): string;
  close(): void;
}

export function createDigest(file: string): Digest {
  const sqlite = new Sqlite(file, { readonly: true });
  const looks = [
    ...APPENDED.map((table) => sqlite.query(`select count(*), max(rowid) from ${table}`)),
    ...WHOLE.map((table) => sqlite.query(`select ${lasting(sqlite, table)} from ${table}`)),
  ];
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

function lasting(sqlite: Sqlite, table: string): string {
  const columns = sqlite.query<{ name: string }, []>(`pragma table_info(${table})`).all();
  if (columns.length === 0) throw new Error(`there is no table ${table}`);
  return columns.flatMap(({ name }) => (PASSING[table]?.includes(name) ? [] : [`"${name}"`])).join(", ");
}
