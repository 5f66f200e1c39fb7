import type { Messaging } from "../../core/core.ts";
import type { Tasks } from "../../features/tasks/tasks.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { AuthService } from "../../identity/auth/service.ts";
import type { Db } from "../../kernel/db/database.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import type { Events } from "./events.ts";
import { createNews } from "./news.ts";
import { wireDeliveryRetention } from "./retention.ts";
import { createSecrets } from "./secrets.ts";
import { createIntegrationService } from "./service.ts";
import { createIntegrationStore } from "./store.ts";
import { createEndStore } from "./store-ends.ts";

export interface IntegrationParts {
  db: Db;
  messaging: Messaging;
  tasks: Tasks;
  activity: ActivityService;
  auth: Pick<AuthService, "revokeAllFor">;
  idempotency: Idempotency;
  retentionDays: number;
  /** What secrets are derived from and encrypted with. */
  key: string;
}

/** Wires sources of events onto the tasks they become. */
export function createIntegrations(parts: IntegrationParts) {
  const { db, messaging, tasks, activity, auth, idempotency, key, retentionDays } = parts;
  const { clock, due } = messaging;
  const store = createIntegrationStore(db);
  const ends = createEndStore(db);
  const news = createNews(ends, clock);
  const secrets = createSecrets(key);
  const integrations = createIntegrationService({ store, secrets, activity, auth, life: tasks.life, clock });
  wireDeliveryRetention({ due, idempotency, ends, clock, retentionDays });
  const listeners: Parameters<Events["onReceived"]>[0][] = [];

  return {
    /** Told of each event, what became of it once that is on disk. */
    onReceived: (listener: (typeof listeners)[number]) => listeners.push(listener),
    // With the mappings: most relays have no integration.
    routes: lateRoutes(["/v1/integrations"], async () => {
      const [{ createEvents }, { integrationRoutes }] = await Promise.all([
        import("./events.ts"),
        import("./routes.ts"),
      ]);
      const events = createEvents({ ...messaging, db, store, integrations, secrets, tasks, idempotency, news });
      for (const listener of listeners) events.onReceived(listener);
      return integrationRoutes({ db, integrations, events });
    }),
  };
}
