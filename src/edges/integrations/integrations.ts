import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Tasks } from "../../features/tasks/tasks.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Pulls } from "../pulls/pulls.ts";
import type { Outcome } from "./event-result.ts";
import { createSecrets } from "./secrets.ts";
import { createIntegrationService } from "./service.ts";
import { createIntegrationStore } from "./store.ts";
import { createEndStore, EVENT, NOTICE } from "./store-ends.ts";

const SLICE = 200;

export type Integrations = ReturnType<typeof createIntegrations>;

/** Sources of events, and the tasks that their events become. */
export function createIntegrations(areas: Areas & { tasks: Tasks; pulls: Pulls }) {
  const { db, hooks, idempotency, key } = areas.kernel;
  const store = createIntegrationStore();
  const ends = createEndStore();
  const secrets = createSecrets(key);
  const integrations = createIntegrationService(areas, store, secrets);
  /** An event of a source came in. */
  const received = hooks.event<[source: string, outcome: Outcome]>("integrations.received");
  // No source repeats a delivery, or reports an end late, for longer than the retention time.
  const sweeps: Sweep[] = [
    {
      name: "integrations.deliveries",
      limit: SLICE,
      sweep: (tx, { before, limit }) => idempotency.forget(tx, EVENT, before, limit),
    },
    {
      name: "integrations.notices",
      limit: SLICE,
      sweep: (tx, { before, limit }) => idempotency.forget(tx, NOTICE, before, limit),
    },
    {
      name: "integrations.ends",
      limit: SLICE,
      sweep: (tx, { before, limit }) => ends.removeBefore(tx, before, limit),
    },
  ];

  return {
    received,
    sweeps,
    // Loaded late, with the mappings: most relays have no integration.
    routes: lateRoutes(["/v1/integrations"], async () => {
      const [{ createIntegrationEvents }, { createIntake }, { integrationRoutes }] = await Promise.all([
        import("./integration-events.ts"),
        import("./intake.ts"),
        import("./routes.ts"),
      ]);
      const events = createIntegrationEvents(areas, integrations, createIntake(areas, ends, received), received);
      return integrationRoutes(db, integrations, events);
    }),
  };
}
