import type { Areas } from "../../core/core.ts";
import { listAnswer } from "../../core/messages/answers.ts";
import { createdOnce, RawJson, type Route, route } from "../../identity/auth/route.ts";
import * as api from "../../protocol/traces.ts";
import type { HistoryService } from "./history.ts";
import { type TraceService, traceJson } from "./service.ts";

/** Traces of messages, and the history of both. */
export function traceRoutes({ kernel, core }: Areas, traces: TraceService, history: HistoryService): Route[] {
  const { db } = kernel;
  const { deliveries } = core.inbox;
  return [
    route(api.addTraces, async ({ caller, params, query, body, idempotencyKey: key }) => {
      const how = { agentId: query.agentId, key };
      const { made, replayed } = await db.write((tx) => traces.add(tx, caller, params.id, body, how));
      return createdOnce({ made: new RawJson(`{"items":[${made.map(traceJson).join(",")}]}`), replayed });
    }),
    route(api.listTraces, async ({ caller, params, query, request }) => {
      const { limit, page = 0, ...filter } = query;
      const { items, next } = await db.read((on) => traces.list(on, caller, params.id, filter, page, limit));
      return listAnswer(items, next, request);
    }),
    route(api.readHistory, async ({ caller, query, request }) => {
      const { page, before, ...wish } = query;
      const until = page === undefined ? before : Math.min(page, before ?? page);
      const hits = await history.hits(caller, { q: wish.q, before: until });
      const { items, next } = await db.read(async (on) => {
        const found = await history.page(on, caller, { ...wish, before: until }, hits);
        await deliveries.noteSeen(on, caller, found.shown);
        return found;
      });
      return listAnswer(items, next, request);
    }),
  ];
}
