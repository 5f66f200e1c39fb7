import { nextLink } from "../../kernel/http/link.ts";
import { ActivityList, ActivityQuery } from "../../protocol/activity.ts";
import { Problem } from "../../protocol/problem.ts";
import { readsAll } from "../auth/caller.ts";
import { type Route, route } from "../auth/route.ts";
import type { ActivityService } from "./service.ts";

export function activityRoutes(activity: ActivityService): Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/activity",
      operationId: "listActivity",
      summary: "Who did what: administrative acts, newest first",
      tag: "Activity",
      query: ActivityQuery,
      answers: { 200: { description: "A page.", schema: ActivityList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        if (!readsAll(caller)) throw new Problem("forbidden", "Only operators and viewers may read the activity log.");
        const { limit, page, ...filter } = query;
        const list = await activity.list(filter, page, limit);
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
  ];
}
