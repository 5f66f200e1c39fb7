import type { Areas } from "../../core/core.ts";
import type { Tasks } from "../../features/tasks/tasks.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Outcome } from "./outcomes.ts";
import { createDeliveryRetention } from "./retention.ts";
import { createSecrets } from "./secrets.ts";
import { createIntegrationService } from "./service.ts";
import { createIntegrationStore } from "./store.ts";
import { createEndStore } from "./store-ends.ts";

export type Integrations = ReturnType<typeof createIntegrations>;

/** Sources of events, and the tasks that their events become. */
export function createIntegrations(areas: Areas & { tasks: Tasks }, { retentionDays }: { retentionDays: number }) {
  const { db, hooks, key } = areas.kernel;
  const store = createIntegrationStore(db);
  const ends = createEndStore(db);
  const secrets = createSecrets(key);
  const integrations = createIntegrationService(areas, store, secrets);
  const retention = createDeliveryRetention(areas.kernel, ends, retentionDays);
  /** An event of a source came in. */
  const received = hooks.event<[source: string, outcome: Outcome]>("integrations.received");

  return {
    received,
    planRetention: retention.planRetention,
    dueHandlers: retention.dueHandlers,
    // With the mappings: most relays have no integration.
    routes: lateRoutes(["/v1/integrations"], async () => {
      const [{ createIntegrationEvents }, { createIntake }, { createNotices }, { integrationRoutes }] =
        await Promise.all([
          import("./events.ts"),
          import("./intake.ts"),
          import("./notices.ts"),
          import("./routes.ts"),
        ]);
      const notices = createNotices(areas.core);
      const intake = createIntake(areas, { ends, notices }, received);
      const events = createIntegrationEvents(areas, { store, integrations, secrets, intake, notices, received });
      return integrationRoutes({ db, integrations, events });
    }),
  };
}
