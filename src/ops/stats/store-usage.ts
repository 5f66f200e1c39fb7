import { and, eq, lt, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { everyColumn } from "../../kernel/db/statements.ts";
import type { UsageBy } from "../../protocol/series.ts";
import { usageDays } from "./tables.ts";

export type UsageRow = typeof usageDays.$inferSelect;
export type UsageStore = ReturnType<typeof createUsageStore>;

export interface UsageSums extends Omit<UsageRow, "by" | "day" | "key"> {
  key: string | number | null;
}

interface Days {
  /** The first day, and the day after the last one. */
  from: number;
  to: number;
}

/** Sums stay numbers that JSON carries exactly. */
const MOST = Number.MAX_SAFE_INTEGER;
const SUMS = [
  ["runs", "runs"],
  ["inputTokens", "input_tokens"],
  ["outputTokens", "output_tokens"],
  ["cacheReadTokens", "cache_read_tokens"],
  ["cacheWriteTokens", "cache_write_tokens"],
  ["costUsd", "cost_usd"],
] as const;
const SUMMED = SUMS.map(([name, column]) => `min(total(${column}), ${MOST}) as ${name}`).join(", ");

const added = (column: SQLiteColumn) =>
  sql`min(${sql.raw(`${MOST}`)}, ${column} + excluded.${sql.identifier(column.name)})`;
const set = Object.fromEntries(SUMS.map(([name]) => [name, added(usageDays[name])]));
const raise = statement((q) =>
  q
    .insert(usageDays)
    .values(everyColumn(usageDays))
    .onConflictDoUpdate({ target: [usageDays.by, usageDays.day, usageDays.key], set })
    .prepare(),
);

/** Usage of runs by day. Long spans are summed in the worker. */
export function createUsageStore(db: Db) {
  const sums = (sql: string, params: readonly (string | number)[]) =>
    db.offThread.run("rows", { sql, params }) as unknown as Promise<UsageSums[]>;

  return {
    /** Adds to the sums of one day and group. */
    raise: (tx: Tx, row: UsageRow): unknown => raise(tx).run({ ...row }),
    /** Sums by day, the newest first. */
    byDay: ({ from, to }: Days, limit: number): Promise<UsageSums[]> =>
      sums(
        `select day as key, ${SUMMED} from usage_days where by = 'agent' and day >= ? and day < ?
          group by day order by day desc limit ?`,
        [from, to, limit],
      ),
    /** Sums by group, the most money first. */
    byGroup: (by: UsageRow["by"], { from, to }: Days, limit: number): Promise<UsageSums[]> =>
      sums(
        `select key, ${SUMMED} from usage_days where by = ? and day >= ? and day < ?
          group by key order by costUsd desc, inputTokens + outputTokens desc, key limit ?`,
        [by, from, to, limit],
      ),
    /** Sums over everything: each run has one agent. */
    total: async ({ from, to }: Days): Promise<UsageSums | undefined> =>
      (
        await sums(`select null as key, ${SUMMED} from usage_days where by = 'agent' and day >= ? and day < ?`, [
          from,
          to,
        ])
      )[0],
    /** Deletes some rows of one kind of group before a day. Answers their number. */
    forget: (tx: Tx, by: Exclude<UsageBy, "day">, day: number, limit: number): number =>
      deleteSome(tx, usageDays, and(eq(usageDays.by, by), lt(usageDays.day, day)), limit),
  };
}
