import { ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/a2a.ts";
import type { OutsideService } from "./external.ts";

/** Agents of other frameworks as members. */
export function outsideRoutes(db: Pick<Db, "read" | "write">, outside: OutsideService): Route[] {
  return [
    route(api.putOutsideAgent, async ({ caller, params, body }) => {
      const made = await db.write((tx) => outside.put(tx, caller, params.id, body));
      return { status: made.created ? 201 : 200, body: made.outside };
    }),
    route(api.listOutsideAgents, async ({ caller, query, request }) =>
      pageOf(await db.read((on) => outside.list(on, caller, query.page, query.limit)), request),
    ),
    route(api.getOutsideAgent, async ({ caller, params }) =>
      ok(await db.read((on) => outside.get(on, caller, params.id))),
    ),
    route(api.refreshOutsideAgent, async ({ caller, params }) =>
      ok(await db.write((tx) => outside.refresh(tx, caller, params.id))),
    ),
  ];
}
