import type { Messaging } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Db } from "../../kernel/db/database.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import { toTime } from "../../protocol/wire.ts";
import { createHistory } from "./history.ts";
import { createTraceService } from "./service.ts";
import { createTraceStore } from "./store.ts";

export interface TracingParts {
  db: Db;
  messaging: Messaging;
  idempotency: Idempotency;
}

export type Tracing = ReturnType<typeof createTracing>;

/** Wires traces to the messages that they hang on. */
export function createTracing({ db, messaging, idempotency }: TracingParts) {
  const store = createTraceStore(db);
  const traces = createTraceService({ ...messaging, store, idempotency });
  const history = createHistory({ lists: messaging.lists, messages: messaging.store, traces: store });

  messaging.retention.alongside({ counts: store.counts, remove: store.removeOf });
  messaging.explainer.alsoTell(async (on, row) =>
    (await store.byAgent(on, row.id)).map(({ agentId, at, traces: n }) => ({
      ...{ at: toTime(at ?? row.createdAt), step: "traced" as const, agentId, traces: n },
    })),
  );

  return {
    traces,
    history,
    routes: lateRoutes(["/v1/history", "/v1/messages/{id}/traces"], async () =>
      (await import("./routes.ts")).traceRoutes({ db, traces, history, offers: messaging.offers }),
    ),
  };
}
