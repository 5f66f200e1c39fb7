import { z } from "zod";
import { contracts, paged } from "./contract.ts";
import { type SeriesName as Name, SERIES, SERIES_NAMES, STATS_BY, STATS_STEPS } from "./series.ts";
import { named, strictObject } from "./shape.ts";
import { Bool, Int, line, queryInt, Str, StrOrNull, Time, TimeInput } from "./wire.ts";

const SeriesName = z.enum(SERIES_NAMES as [Name, ...Name[]]);

/** One line of a chart. */
export const StatsLine = named("StatsLine", "The values of one series, or of one group of it.", () => ({
  series: SeriesName,
  key: StrOrNull.describe("The group; null without `by`."),
  unit: z.enum(["count", "seconds", "level"]),
  total: z.number().nullable().describe("Of a count the sum, of seconds the mean, of a level the last value."),
  values: z
    .array(z.number().nullable())
    .describe("One for each step from `from` on. null: not kept, in the future, or nothing to take a mean of."),
}));
export type StatsLine = z.infer<typeof StatsLine>;

/** `GET /v1/stats`. */
export const Stats = named("Stats", "Series of numbers, in steps of UTC.", () => ({
  from: Time.describe("Begin of the first step."),
  to: Time.describe("End of the last step."),
  step: z.enum(STATS_STEPS),
  stepSeconds: Int,
  keptFrom: Time.describe("Begin of the oldest step that is kept; values before it are null."),
  items: z.array(StatsLine).describe("In the order of `series`; with `by`, the largest first."),
  more: Bool.describe("true: there are more groups than these."),
}));
export type Stats = z.infer<typeof Stats>;

const seriesList = () =>
  line(1024)
    .transform((text) => text.split(","))
    .pipe(z.array(SeriesName))
    .describe(
      `Names with commas between them; all when left out. ${SERIES_NAMES.map((name) => `${name}: ${SERIES[name].about}`).join("; ")}.`,
    );

export const StatsQuery = strictObject(() => ({
  series: seriesList().optional(),
  by: z.enum(STATS_BY).optional().describe("Splits one series that has these groups."),
  from: TimeInput.optional().describe("Left out: a day before `to`."),
  to: TimeInput.optional().describe("Left out: now."),
  step: z
    .enum(STATS_STEPS)
    .optional()
    .describe("Minutes are kept for 2 days, hours for 90 days, days for 2 years. Left out: what fits the time."),
}));
export type ParsedStatsQuery = z.output<typeof StatsQuery>;

/** How much one talks to another. */
export const FlowEdge = named("FlowEdge", "How much one talks to another.", () => ({
  from: Str.describe("Id of the sender."),
  to: Str.describe("The target as it was named: an agent, or a group such as `tag:review`."),
  messages: Int.describe("Entries, delegations among them."),
  delegations: Int.describe("Requests that owe an answer."),
  lastAt: Time,
}));
export type FlowEdge = z.infer<typeof FlowEdge>;

/** `GET /v1/flow`. */
export const Flow = named("Flow", "Who talks to whom.", () => ({
  from: Time.describe("Begin of the first hour or day."),
  to: Time.describe("End of the last one."),
  edges: z.array(FlowEdge).describe("The most messages first."),
  more: Bool.describe("true: there are more than these."),
}));
export type Flow = z.infer<typeof Flow>;

export const FlowQuery = strictObject(() => ({
  from: TimeInput.optional().describe("Left out: a day before `to`."),
  to: TimeInput.optional().describe("Left out: now."),
  limit: queryInt(1, 1000).default(300),
}));
export type ParsedFlowQuery = z.output<typeof FlowQuery>;

const contract = contracts("Statistics");

export const getStats = contract("getStats", "GET /v1/stats", {
  ...paged(StatsQuery, Stats, "The series."),
  summary: "Get series of numbers: messages, work, delegations, runs, approvals, errors",
});

export const getFlow = contract("getFlow", "GET /v1/flow", {
  ...paged(FlowQuery, Flow, "The edges."),
  summary: "Get who talks to whom",
});
