import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createProjectService, type Ground } from "./service.ts";

/** Projects, over all areas that know one. */
export function createProjects(ground: Ground) {
  const service = createProjectService(ground);
  return {
    routes: lateRoutes(["/v1/projects"], async () =>
      (await import("./routes.ts")).projectRoutes(ground.kernel.db, service),
    ),
  };
}
