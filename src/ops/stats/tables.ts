import { integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { SeriesName, StatsBy, UsageBy } from "../../protocol/series.ts";

/** Tokens and money of runs: sums for each day and group. They stay when the runs go. */
export const usageDays = sqliteTable(
  "usage_days",
  {
    by: text("by").$type<Exclude<UsageBy, "day">>().notNull(),
    /** Days since 1970, UTC. */
    day: integer("day").notNull(),
    /** Empty for runs without one. */
    key: text("key").notNull(),
    runs: integer("runs").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    cacheReadTokens: integer("cache_read_tokens").notNull(),
    cacheWriteTokens: integer("cache_write_tokens").notNull(),
    costUsd: real("cost_usd").notNull(),
  },
  (t) => [primaryKey({ columns: [t.by, t.day, t.key] })],
);

/** Numbers by minute, hour and day: all three are raised together. */
export const stats = sqliteTable(
  "stats",
  {
    /** Milliseconds of a step. */
    step: integer("step").notNull(),
    series: text("series").$type<SeriesName>().notNull(),
    /** Empty for the whole series; `count` for the number of values that seconds are the sum of. */
    by: text("by").$type<StatsBy | "" | "count">().notNull(),
    /** Begin of the step. */
    at: integer("at").notNull(),
    key: text("key").notNull(),
    value: real("value").notNull(),
  },
  (t) => [primaryKey({ columns: [t.step, t.series, t.by, t.at, t.key] })],
);

/** Messages from one to another, by hour and day. */
export const flow = sqliteTable(
  "flow",
  {
    /** Milliseconds of a step. */
    step: integer("step").notNull(),
    /** Begin of the step. */
    at: integer("at").notNull(),
    fromId: text("from_id").$type<AgentId>().notNull(),
    target: text("target").$type<Target>().notNull(),
    messages: integer("messages").notNull(),
    delegations: integer("delegations").notNull(),
    lastAt: integer("last_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.step, t.at, t.fromId, t.target] })],
);

/**
 * How far counting has come: the newest message in the numbers, and in the flow; the newest one in the part of the flow that is being
 * stored, and how many of its edges are; the time from which on numbers are whole.
 */
export type StatsMark = "messages" | "flow" | "flowTo" | "flowDone" | "since";
export const statsMarks = sqliteTable("stats_marks", {
  name: text("name").$type<StatsMark>().primaryKey(),
  position: integer("position").notNull(),
});
