import { z } from "zod";
import { contracts, paged } from "./contract.ts";
import { NAMED, named, strictObject } from "./shape.ts";
import { line, listOf, NumberPageQuery, queryInt, Time } from "./wire.ts";

/** One administrative act: who did what, when, in whose name. */
export const Activity = named("Activity", "One administrative act.", () => ({
  id: z.int(),
  at: Time,
  actor: z.string().describe("The token's id, or system."),
  person: z.string().nullable().describe("The person that the token belongs to."),
  verb: z.string(),
  subject: z.string(),
  data: z.record(z.string(), z.unknown()),
}));
export type Activity = z.infer<typeof Activity>;

export const ActivityQuery = strictObject(() => ({
  actor: line(160).optional(),
  subject: line(160).optional(),
  verb: line(64).optional(),
  before: queryInt(1, Number.MAX_SAFE_INTEGER).optional(),
  ...NumberPageQuery,
}));
export type ActivityQuery = z.input<typeof ActivityQuery>;
export const ActivityList = listOf(Activity).register(NAMED, { id: "ActivityList" });

export const listActivity = contracts("Activity")("listActivity", "GET /v1/activity", {
  ...paged(ActivityQuery, ActivityList),
  summary: "List administrative acts, newest first",
});
