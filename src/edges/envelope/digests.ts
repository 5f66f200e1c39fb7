import type { Areas } from "../../core/core.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";

/** Inboxes as one text for a model. */
export function createDigests(areas: Areas & { delegations: Delegations }) {
  return {
    routes: lateRoutes(["/v1/agents/{id}/inbox/digest"], async () => {
      const [{ createDigestService }, { digestRoutes }] = await Promise.all([
        import("./service.ts"),
        import("./routes.ts"),
      ]);
      return digestRoutes(createDigestService(areas));
    }),
  };
}
