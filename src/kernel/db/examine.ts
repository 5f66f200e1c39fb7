import { Database as Sqlite } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { schemaOf } from "./migrate.ts";

/** State of a data folder's database, for a check before an upgrade. */
export interface Examined {
  /** Numbers of migrations: already run, and known to this program. */
  schema: ReturnType<typeof schemaOf>;
  /** The newest message. */
  head: number;
  /** The newest backup that a relay made of this database. */
  backup: { file: string; at: number; head: number; isThere: boolean } | undefined;
  claims: number;
  openWork: number;
  delegations: { open: number; nextDeadlineAt: number | null };
  /** Overdue deliveries, schedules and other steps. */
  due: number;
}

/**
 * Reads the database beside a relay that may be running, and writes nothing.
 *
 * @throws Error when there is no database of a relay
 */
export function examineDatabase(dataDir: string, now: number): Examined {
  const file = join(dataDir, "signalbox.db");
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  // A read-only connection would leave a write-ahead log behind on closing.
  const sqlite = new Sqlite(file, { readwrite: true });
  try {
    sqlite.run("pragma busy_timeout = 5000");
    sqlite.run("pragma query_only = on");
    return examine(sqlite, now);
  } finally {
    sqlite.close();
  }
}

function examine(sqlite: Sqlite, now: number): Examined {
  const count = (sql: string, ...values: number[]) =>
    (sqlite.prepare(sql).get(...values) as { n: number | null }).n ?? 0;
  const deadline = sqlite
    .prepare("select count(*) as n, min(deadline_at) as at from delegations where status in ('pending', 'claimed')")
    .get() as { n: number; at: number | null };
  return {
    schema: schemaOf(sqlite),
    head: count("select max(id) as n from messages"),
    backup: newestBackup(sqlite),
    claims: count("select count(*) as n from work where state = 'claimed'"),
    openWork: count("select count(*) as n from work where state in ('open', 'delayed')"),
    delegations: { open: deadline.n, nextDeadlineAt: deadline.at },
    // Without the relay's own sweeps, which a stopped relay is always behind with.
    due: count("select count(*) as n from due where at <= ? and kind not like 'retention%'", now),
  };
}

/** Reads the audit log, which names every backup, also one that was moved away. */
function newestBackup(sqlite: Sqlite): Examined["backup"] {
  const row = sqlite
    .prepare(
      "select at, subject as file, data ->> 'head' as head from activity where verb = 'backup.made' order by id desc limit 1",
    )
    .get() as { at: number; file: string; head: number } | null;
  return row ? { ...row, isThere: existsSync(row.file) } : undefined;
}
