import * as api from "../../protocol/activity.ts";
import { Problem } from "../../protocol/problem.ts";
import { readsAll } from "../auth/caller.ts";
import { pageOf, type Route, route } from "../auth/route.ts";
import type { ActivityService } from "./service.ts";

export function activityRoutes(activity: ActivityService): Route[] {
  return [
    route(api.listActivity, async ({ caller, query, request }) => {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only operators and viewers may read the activity log.");
      const { limit, page, ...filter } = query;
      return pageOf(await activity.list(filter, page, limit), request);
    }),
  ];
}
