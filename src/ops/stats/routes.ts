import type { Caller } from "../../identity/auth/caller.ts";
import { readsAll } from "../../identity/auth/caller.ts";
import { ok, type Route, route } from "../../identity/auth/route.ts";
import { Problem } from "../../protocol/problem.ts";
import * as stats from "../../protocol/stats.ts";
import * as usage from "../../protocol/usage.ts";
import type { StatsService } from "./service.ts";
import type { UsageService } from "./usage.ts";

interface Services {
  usage: UsageService;
  service: StatsService;
}

/** Numbers for people: they tell of every agent. */
export function statsRoutes(services: Services): Route[] {
  return [
    route(usage.getUsage, async ({ caller, query }) => {
      requireReader(caller);
      return ok(await services.usage.get(query));
    }),
    route(stats.getStats, async ({ caller, query }) => {
      requireReader(caller);
      return ok(await services.service.get(query));
    }),
    route(stats.getFlow, async ({ caller, query }) => {
      requireReader(caller);
      return ok(await services.service.flow(query));
    }),
  ];
}

/** @throws Problem 403 */
function requireReader(caller: Caller): void {
  if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may read statistics.");
}
