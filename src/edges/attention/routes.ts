import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/attention.ts";
import { listLateMessages } from "../../protocol/late.ts";
import type { Late } from "./late.ts";
import type { AttentionService } from "./service.ts";

/** Messages to watch. */
export const lateMessageRoutes = (db: Db, late: Late): Route[] => [
  routesOn(db).get(listLateMessages, (on, { caller, query }) => late.list(on, caller, query.project)),
];

/** Everything that waits for a person. */
export function attentionRoutes(db: Db, attention: AttentionService): Route[] {
  const { get, change } = routesOn(db);
  return [
    get(api.listAttention, (on, { caller, query }) => attention.list(on, caller, query)),
    change(api.takeAttention, (tx, { caller, params, body }) =>
      attention.take(tx, caller, params.id, body.release ?? false),
    ),
    change(api.snoozeAttention, (tx, { caller, params, body }) => attention.snooze(tx, caller, params.id, body.until)),
    change(api.handAttention, (tx, { caller, params, body }) => attention.hand(tx, caller, params.id, body.personId)),
  ];
}
