import type { Messaging } from "../../core/core.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import type { Egress } from "../../kernel/egress/egress.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import { createDeliverer } from "./deliver.ts";
import { createEmitter } from "./emit.ts";
import { createNotices } from "./notices.ts";
import { createWebhookService } from "./service.ts";
import { createWebhookStore } from "./store.ts";

export interface WebhooksParts {
  db: Db;
  messaging: Messaging;
  agents: AgentService;
  activity: ActivityService;
  idempotency: Idempotency;
  egress: Egress;
  due: Due;
  clock: Clock;
  /** What secrets are derived from: see `derivationKey`. */
  key: string;
}

export type Webhooks = ReturnType<typeof createWebhooks>;

/** Wires outgoing webhooks: what happens, who is told, and the telling. */
export function createWebhooks(parts: WebhooksParts) {
  const { db, messaging, clock } = parts;
  const store = createWebhookStore(db);
  const { access, sender, leases, store: messages } = messaging;
  const notices = createNotices(sender, store, clock);
  const emitter = createEmitter({ ...parts, store, messages, access, notices });
  const deliverer = createDeliverer({ ...parts, store, messages, notices });
  const service = createWebhookService({ ...parts, store, emitter, notices });

  sender.onAppended((tx, row) => emitter.emit(tx, { type: "message.created", messageId: row.id, data: null }));
  leases.onMoved((tx, work, before) => emitter.workMoved(tx, work, before));

  return {
    /** For what else happens: told by handlers of those rooms' events. */
    emit: emitter.emit,
    pauseOf: service.pauseOf,
    onOutcome: deliverer.onOutcome,
    routes: lateRoutes(["/v1/webhooks"], async () => (await import("./routes.ts")).webhookRoutes(db, service)),
  };
}
