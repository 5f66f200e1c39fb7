import { z } from "zod";
import { contracts, paged } from "./contract.ts";
import { Amounts } from "./runs.ts";
import { USAGE_BY } from "./series.ts";
import { named, strictObject } from "./shape.ts";
import { Bool, Int, queryInt, StrOrNull, Time, TimeInput } from "./wire.ts";

const used = () => ({
  runs: Int.describe("Runs that were made in this time; by model, runs that used it first in this time."),
  ...Amounts.shape,
});

/** Usage of one group. */
export const UsageItem = named("UsageItem", "Tokens and money of one group.", () => ({
  key: StrOrNull.describe("The day, or the id or name of the group; null for runs without one."),
  ...used(),
}));
export type UsageItem = z.infer<typeof UsageItem>;

/** `GET /v1/usage`. */
export const Usage = named("Usage", "Tokens and money that runs have reported, in whole days UTC.", () => ({
  by: z.enum(USAGE_BY),
  from: Time.describe("Begin of the first day."),
  to: Time.describe("End of the last day."),
  items: z.array(UsageItem).describe("By day, the oldest first; else the most money first, then the most tokens."),
  more: Bool.describe("true: there are more than these. By day, the older ones are left out."),
  total: z.object(used()).describe("Sums over everything in this time."),
}));
export type Usage = z.infer<typeof Usage>;

export const UsageQuery = strictObject(() => ({
  by: z.enum(USAGE_BY).default("day"),
  from: TimeInput.optional().describe("Left out: 30 days before `to`."),
  to: TimeInput.optional().describe("Left out: now."),
  limit: queryInt(1, 500).default(100),
}));
export type ParsedUsageQuery = z.output<typeof UsageQuery>;

const contract = contracts("Statistics");

export const getUsage = contract("getUsage", "GET /v1/usage", {
  ...paged(UsageQuery, Usage, "The sums."),
  summary: "Get tokens and money by day, agent, person, project, model or thread",
});
