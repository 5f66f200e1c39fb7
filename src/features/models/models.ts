import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createModelService } from "./service.ts";
import { createModelStore } from "./store.ts";

export type Models = ReturnType<typeof createModels>;

/** Models that agents tell of themselves. */
export function createModels(areas: Areas) {
  const { db } = areas.kernel;
  const service = createModelService(areas, createModelStore());
  return {
    dropAgent: service.dropAgent,
    routes: lateRoutes(["/v1/models", "/v1/agents/{id}/models"], async () =>
      (await import("./routes.ts")).modelRoutes(db, service),
    ),
  };
}
