import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createViewService } from "./service.ts";

/** Saved views: pages of the console that people keep under a name. */
export function createViews(areas: Areas) {
  const service = createViewService(areas);
  return {
    routes: lateRoutes(["/v1/views"], async () => (await import("./routes.ts")).viewRoutes(areas.kernel.db, service)),
  };
}
