import type { Areas } from "../../core/core.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";

/** Inboxes as one text for a model. */
export function createDigests(areas: Areas & { delegations: Delegations; runs: Runs }) {
  return {
    routes: lateRoutes(
      ["/v1/agents/{id}/inbox/digest", "/v1/runs/{id}/prompt", "/v1/messages/{id}/letter"],
      async () => {
        const [{ createDigestService }, { createLetters }, { createPrompts }, { textRoutes }] = await Promise.all([
          import("./service.ts"),
          import("./letters-of.ts"),
          import("./run-prompt.ts"),
          import("./routes.ts"),
        ]);
        const services = {
          digests: createDigestService(areas),
          prompts: createPrompts(areas),
          letters: createLetters(areas),
        };
        return textRoutes(areas.kernel.db, services);
      },
    ),
  };
}
