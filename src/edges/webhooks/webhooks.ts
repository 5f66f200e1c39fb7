import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createDeliverer } from "./deliver.ts";
import { createEmitter } from "./emit.ts";
import { createNotices } from "./notices.ts";
import { createWebhookService } from "./service.ts";
import { createWebhookStore } from "./store.ts";

export type Webhooks = ReturnType<typeof createWebhooks>;

/** Outgoing webhooks: addresses of other machines that are told of events. */
export function createWebhooks(areas: Areas) {
  const { db } = areas.kernel;
  const store = createWebhookStore(db);
  const notices = createNotices(areas, store);
  const emitter = createEmitter(areas, store, notices);
  const deliverer = createDeliverer(areas, store, notices);
  const service = createWebhookService(areas, store, emitter, notices);

  return {
    created: emitter.created,
    workMoved: emitter.workMoved,
    taskChanged: emitter.taskChanged,
    delegationChanged: emitter.delegationChanged,
    runChanged: emitter.runChanged,
    announcementChanged: emitter.announcementChanged,
    sessionChanged: emitter.sessionChanged,
    dropAgent: service.dropAgent,
    pauseOf: service.pauseOf,
    setUpBy: service.setUpBy,
    tried: deliverer.tried,
    failing: store.failing,
    failingOne: store.failingOne,
    resume: deliverer.resume,
    sweeps: service.sweeps,
    dueHandlers: service.dueHandlers,
    dueOutside: deliverer.dueOutside,
    routes: lateRoutes(["/v1/webhooks"], async () => (await import("./routes.ts")).webhookRoutes(db, service)),
  };
}
