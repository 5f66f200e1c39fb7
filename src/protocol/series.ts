// Words of statistics, without shapes: a start needs them, and shapes cost it time.

/** Groups that series are split by. */
export const STATS_BY = ["agent", "kind", "outcome", "status", "transport", "within"] as const;
export type StatsBy = (typeof STATS_BY)[number];

interface Series {
  unit: "count" | "seconds" | "level";
  by: readonly StatsBy[];
  about: string;
}

/** Every series. Seconds are means; `within` splits them by their upper bounds. A level is the last value of each step. */
export const SERIES = {
  messages: { unit: "count", by: ["agent", "kind"], about: "entries appended, by sender or kind" },
  offered: { unit: "count", by: ["transport"], about: "entries handed over to agents" },
  offerSeconds: { unit: "seconds", by: ["within"], about: "age of the oldest new entry of each hand-over" },
  workWaiting: { unit: "level", by: [], about: "work that is open or delayed" },
  claims: { unit: "count", by: ["agent"], about: "leases given" },
  completions: { unit: "count", by: ["agent"], about: "work done, by holder" },
  failures: { unit: "count", by: ["agent"], about: "leases that failed or ran out" },
  deadLetters: { unit: "count", by: ["agent"], about: "work that became a dead letter, by last holder" },
  delegations: { unit: "count", by: ["agent"], about: "requests made, by asker" },
  delegationsEnded: { unit: "count", by: ["outcome"], about: "requests that ended" },
  answerSeconds: { unit: "seconds", by: ["within"], about: "time from a request to its answer" },
  runsStarted: { unit: "count", by: ["agent"], about: "runs whose first turn began" },
  runsEnded: { unit: "count", by: ["outcome", "agent"], about: "runs that ended" },
  runSeconds: { unit: "seconds", by: ["within"], about: "time from the making of a run to its end" },
  approvals: { unit: "count", by: ["kind", "agent"], about: "questions asked to people" },
  approvalsEnded: { unit: "count", by: ["outcome"], about: "questions that were answered, expired or withdrawn" },
  approvalSeconds: { unit: "seconds", by: ["within"], about: "time from a question to its answer" },
  refused: { unit: "count", by: ["status"], about: "requests answered 4xx" },
  errors: { unit: "count", by: ["status"], about: "requests answered 5xx" },
} as const satisfies Record<string, Series>;
export type SeriesName = keyof typeof SERIES;
export const SERIES_NAMES = Object.keys(SERIES) as SeriesName[];

/** Upper bounds by which seconds are split. */
export const WITHIN_SECONDS = [0.1, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400] as const;
/** The group beyond the last bound. */
export const LONGER = "longer";

export const STATS_STEPS = ["minute", "hour", "day"] as const;
export type StatsStep = (typeof STATS_STEPS)[number];

/** Groups that usage is summed by. */
export const USAGE_BY = ["day", "agent", "person", "project", "model", "thread"] as const;
export type UsageBy = (typeof USAGE_BY)[number];
