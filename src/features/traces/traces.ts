import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Fact } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import { createHistory } from "./history.ts";
import { createTraceService, traceJson } from "./service.ts";
import { createTraceStore, type TraceRow } from "./store.ts";

export type Traces = ReturnType<typeof createTraces>;

/** Traces of messages, and the history of both. */
export function createTraces(areas: Areas) {
  const { watch } = areas.core.inbox;
  const store = createTraceStore();
  const service = createTraceService(areas, store);
  const history = createHistory(areas, store);

  async function facts(on: ReadTx, row: MessageRow): Promise<Fact[]> {
    return (await store.byAgent(on, row.id)).map(({ agentId, at, traces: n }) => ({
      ...{ at: toTime(at ?? row.createdAt), step: "traced" as const, agentId, traces: n },
    }));
  }

  return {
    service,
    history,
    added: service.added,
    facts,
    showWatchers: (messageId: number, rows: readonly TraceRow[]): void =>
      watch.about(messageId, "trace", rows.map(traceJson)),
    weights: (on: ReadTx, ids: readonly number[]): Promise<Map<number, number>> => store.counts(on, ids),
    forget: (tx: Tx, ids: readonly number[]): Promise<void> => store.removeOf(tx, ids),
    routes: lateRoutes(["/v1/history", "/v1/messages/{id}/traces"], async () =>
      (await import("./routes.ts")).traceRoutes(areas, service, history),
    ),
  };
}
