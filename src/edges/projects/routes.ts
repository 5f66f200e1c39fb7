import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { listProjects } from "../../protocol/projects.ts";
import type { ProjectService } from "./service.ts";

/** `GET /v1/projects`. */
export const projectRoutes = (db: Db, projects: ProjectService): Route[] => [
  routesOn(db).list(listProjects, (on, { caller, query }) => projects.list(on, caller, query)),
];
