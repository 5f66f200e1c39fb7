import type { Messaging } from "../../core/core.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Db } from "../../kernel/db/database.ts";
import { createGuardService, type LoopLimits } from "./service.ts";
import { loopStore } from "./store.ts";

export interface GuardingParts {
  db: Db;
  messaging: Messaging;
  activity: ActivityService;
  limits: LoopLimits;
}

/** Wires the guard against loops to everything that is sent. */
export function createGuard({ db, messaging, activity, limits }: GuardingParts) {
  const service = createGuardService({ ...messaging, messages: messaging.store, activity, limits });
  messaging.sender.guardBy(service.guard);
  messaging.explainer.alsoTell((on, row) => service.factsOf(on, row.id));
  messaging.retention.alongside({ counts: async () => new Map(), remove: loopStore.removeOf });
  return {
    onEvent: service.onEvent,
    routes: lateRoutes(["/v1/loops"], async () => (await import("./routes.ts")).guardRoutes(db, service)),
  };
}
