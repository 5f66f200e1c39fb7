import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/pairs.ts";
import type { PairService } from "./service.ts";

/** Pairs of agents that work together: asking, agreeing, talking, ending. */
export function pairRoutes(db: Db, pairs: PairService): Route[] {
  const { get, list, change, create } = routesOn(db);
  return [
    create(api.askForPair, (tx, { caller, body, idempotencyKey }) => pairs.ask(tx, caller, body, idempotencyKey)),
    list(api.listPairs, (on, { caller, query }) => pairs.list(on, caller, query)),
    get(api.getPair, (on, { caller, params }) => pairs.get(on, caller, params.id)),
    change(api.acceptPair, (tx, { caller, params, body }) => pairs.accept(tx, caller, params.id, body)),
    change(api.rejectPair, (tx, { caller, params, body }) => pairs.reject(tx, caller, params.id, body)),
    change(api.endPair, (tx, { caller, params, body }) => pairs.end(tx, caller, params.id, body)),
    create(api.sayToPair, (tx, { caller, params, body, idempotencyKey }) =>
      pairs.say(tx, caller, params.id, body, idempotencyKey),
    ),
  ];
}
