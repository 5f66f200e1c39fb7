import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createProfileService } from "./service.ts";

export type Profiles = ReturnType<typeof createProfiles>;

/** Profiles: how an agent is started, and what is wanted of it. */
export function createProfiles(areas: Areas) {
  const service = createProfileService(areas);
  return {
    check: service.check,
    routes: lateRoutes(["/v1/profiles"], async () =>
      (await import("./routes.ts")).profileRoutes(areas.kernel.db, service),
    ),
  };
}
