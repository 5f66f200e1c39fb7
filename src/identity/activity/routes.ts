import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/activity.ts";
import { type Route, routesOn } from "../auth/route.ts";
import type { ActivityService } from "./service.ts";

export const activityRoutes = (db: Db, activity: ActivityService): Route[] => [
  routesOn(db).list(api.listActivity, (on, { caller, query }) => activity.list(on, caller, query)),
];
