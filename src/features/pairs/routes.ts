import { createdOnce, ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/pairs.ts";
import type { PairService } from "./service.ts";

/** Two agents that work together: asking, agreeing, talking, ending. */
export function pairRoutes(db: Pick<Db, "read" | "write">, pairs: PairService): Route[] {
  return [
    route(api.askForPair, async ({ caller, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => pairs.ask(tx, caller, body, idempotencyKey))),
    ),
    route(api.listPairs, async ({ caller, query, request }) =>
      pageOf(await db.read((on) => pairs.list(on, caller, query, query.limit)), request),
    ),
    route(api.getPair, async ({ caller, params }) => ok(await db.read((on) => pairs.get(on, caller, params.id)))),
    route(api.acceptPair, async ({ caller, params, body }) =>
      ok(await db.write((tx) => pairs.accept(tx, caller, params.id, body))),
    ),
    route(api.rejectPair, async ({ caller, params, body }) =>
      ok(await db.write((tx) => pairs.reject(tx, caller, params.id, body))),
    ),
    route(api.endPair, async ({ caller, params, body }) =>
      ok(await db.write((tx) => pairs.end(tx, caller, params.id, body))),
    ),
    route(api.sayToPair, async ({ caller, params, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => pairs.say(tx, caller, params.id, body, idempotencyKey))),
    ),
  ];
}
