import * as stats from "../protocol/stats.ts";
import * as usage from "../protocol/usage.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on numbers for operators. */
export const statsVerbs = ({ ask }: Caller) => ({
  /** Series of numbers by minute, hour or day. `series`: names with commas between them. */
  get: (query: Query<typeof stats.StatsQuery> = {}, call?: Call): Promise<stats.Stats> =>
    ask(stats.getStats, { query }, call),

  /** Messages from one to another, the most first. */
  flow: (query: Query<typeof stats.FlowQuery> = {}, call?: Call): Promise<stats.Flow> =>
    ask(stats.getFlow, { query }, call),

  /** Tokens and money that runs reported, by day, agent, person, project, model or thread. */
  usage: (query: Query<typeof usage.UsageQuery> = {}, call?: Call): Promise<usage.Usage> =>
    ask(usage.getUsage, { query }, call),
});
