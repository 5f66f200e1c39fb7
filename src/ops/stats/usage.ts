import type { RunRow } from "../../features/runs/row.ts";
import type { RunSpending } from "../../features/runs/spending.ts";
import { type Clock, DAY_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Amounts, RunChange } from "../../protocol/runs.ts";
import type { ParsedUsageQuery, Usage, UsageItem } from "../../protocol/usage.ts";
import { fromTime, toTime } from "../../protocol/wire.ts";
import { wireTime } from "./spans.ts";
import type { UsageRow, UsageStore, UsageSums } from "./store-usage.ts";

const DEFAULT_DAYS = 30;
const NOTHING: Amounts & { runs: number } = {
  ...{ runs: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0 },
};

const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

export type UsageService = ReturnType<typeof createUsage>;

/** Tokens and money of runs, raised in the write that stores them with their run: exactly once. */
export function createUsage(clock: Clock, store: UsageStore) {
  function raise(tx: Tx, groups: [UsageRow["by"], string][], more: Partial<typeof NOTHING>): void {
    const day = dayOf(clock.now());
    for (const [by, key] of groups) store.raise(tx, { ...NOTHING, ...more, by, key, day });
  }

  return {
    /** A run was made: it counts for the day. */
    async runMade(tx: Tx, _: RunChange, run: RunRow, before: RunRow | undefined): Promise<void> {
      if (before === undefined) raise(tx, groupsOf(run), { runs: 1 });
    },

    /** A runner reported usage. */
    async runUsed(tx: Tx, run: RunRow, { model, isFirst, amounts }: RunSpending): Promise<void> {
      raise(tx, groupsOf(run), amounts);
      raise(tx, [["model", model]], { ...amounts, runs: isFirst ? 1 : 0 });
    },

    /** `GET /v1/usage`. @throws Problem 422 */
    async get({ by, from, to, limit }: ParsedUsageQuery): Promise<Usage> {
      const end = to === undefined ? clock.now() + 1 : fromTime(to);
      const days = { from: 0, to: Math.ceil(end / DAY_MS) };
      days.from = from === undefined ? days.to - DEFAULT_DAYS : dayOf(fromTime(from));
      if (days.from >= days.to)
        throw to === undefined
          ? Problem.invalid("from", "is in the future")
          : Problem.invalid("to", "is not after from");
      const [rows, total] = await Promise.all([
        by === "day" ? store.byDay(days, limit + 1) : store.byGroup(by, days, limit + 1),
        store.total(days),
      ]);
      const shown = rows.slice(0, limit).map((row) => toItem(row, by === "day"));
      const { key: _, ...sums } = total ?? { key: null, ...NOTHING };
      return {
        ...{ by, from: wireTime(days.from * DAY_MS), to: wireTime(days.to * DAY_MS) },
        ...{ items: by === "day" ? shown.reverse() : shown, more: rows.length > limit, total: sums },
      };
    },
  };
}

const groupsOf = ({ person, project, agentId, threadId }: RunRow): [UsageRow["by"], string][] => [
  ["agent", agentId],
  ["person", person ?? ""],
  ["project", project ?? ""],
  ["thread", threadId === null ? "" : String(threadId)],
];

function toItem({ key, ...sums }: UsageSums, isDay: boolean): UsageItem {
  if (isDay) return { key: toTime(Number(key) * DAY_MS).slice(0, 10), ...sums };
  return { key: key === "" ? null : String(key), ...sums };
}
