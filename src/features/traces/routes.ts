import type { Offers } from "../../core/inbox/deliveries.ts";
import { listAnswer } from "../../core/messages/answers.ts";
import { MessagePath } from "../../core/messages/routes.ts";
import { createdOnce, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import {
  History,
  HistoryQuery,
  TraceBy,
  TraceDrafts,
  TraceList,
  TraceQuery,
  TracesAdded,
} from "../../protocol/traces.ts";
import type { HistoryService } from "./history.ts";
import { type TraceService, traceJson } from "./service.ts";

export interface TraceRouteParts {
  db: Pick<Db, "read" | "write">;
  traces: TraceService;
  history: HistoryService;
  offers: Offers;
}

const tag = "Traces";

/** What agents thought and did about a message, and the history of both. */
export function traceRoutes({ db, traces, history, offers }: TraceRouteParts): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/messages/{id}/traces",
      operationId: "addTraces",
      summary: "Say what was thought and done about a message",
      description:
        "By whoever may read the message, in its own name. At most 100 a call; a message keeps 1,000 and 4 MiB of them.",
      tag,
      params: MessagePath,
      query: TraceBy,
      body: TraceDrafts,
      example: [{ level: 3, type: "command", content: "bun test" }],
      idempotent: true,
      answers: {
        201: { description: "Stored, in this order.", schema: TracesAdded },
        200: { description: "Stored before with this key.", schema: TracesAdded },
      },
      problems: ["forbidden", "not-found", "conflict", "superseded", "idempotency-mismatch"],
      run: async ({ caller, params, query, body, idempotencyKey: key }) => {
        const how = { agentId: query.agentId, key };
        const { made, replayed } = await db.write((tx) => traces.add(tx, caller, params.id, body, how));
        return createdOnce(new RawJson(`{"items":[${made.map(traceJson).join(",")}]}`), replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/messages/{id}/traces",
      operationId: "listTraces",
      summary: "What was thought and done about a message, oldest first",
      tag,
      params: MessagePath,
      query: TraceQuery,
      answers: { 200: { description: "A page.", schema: TraceList } },
      problems: ["forbidden", "not-found", "superseded"],
      run: async ({ caller, params, query, request }) => {
        const { limit, page = 0, ...filter } = query;
        const { items, next } = await db.read((on) => traces.list(on, caller, params.id, filter, page, limit));
        return listAnswer(items, next, request);
      },
    }),
    route({
      method: "GET",
      path: "/v1/history",
      operationId: "readHistory",
      summary: "What was said, thought and done",
      description:
        "The newest page first; within a page oldest first. `nextPage` leads to older messages, by id: what comes meanwhile shifts nothing. " +
        "A page may be short where much had to be passed over. Encrypted messages are carried, never searched.",
      tag,
      query: HistoryQuery,
      answers: { 200: { description: "A page.", schema: History } },
      problems: ["forbidden", "superseded"],
      run: async ({ caller, query, request }) => {
        const { page, before, ...wish } = query;
        const until = page === undefined ? before : Math.min(page, before ?? page);
        const hits = await history.hits(caller, { q: wish.q, before: until });
        const { items, next } = await db.read(async (on) => {
          const found = await history.page(on, caller, { ...wish, before: until }, hits);
          await offers.noteSeen(on, caller, found.shown);
          return found;
        });
        return listAnswer(items, next, request);
      },
    }),
  ];
}
