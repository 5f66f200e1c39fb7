import { ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/a2a.ts";
import type { ExternalService } from "./external.ts";

/** Agents of other frameworks as members. */
export function externalRoutes(db: Pick<Db, "read" | "write">, external: ExternalService): Route[] {
  return [
    route(api.putOutsideAgent, async ({ caller, params, body }) => {
      const made = await db.write((tx) => external.put(tx, caller, params.id, body));
      return { status: made.created ? 201 : 200, body: made.external };
    }),
    route(api.listOutsideAgents, async ({ caller, query, request }) =>
      pageOf(await db.read((on) => external.list(on, caller, query.page, query.limit)), request),
    ),
    route(api.getOutsideAgent, async ({ caller, params }) =>
      ok(await db.read((on) => external.get(on, caller, params.id))),
    ),
    route(api.refreshOutsideAgent, async ({ caller, params }) =>
      ok(await db.write((tx) => external.refresh(tx, caller, params.id))),
    ),
  ];
}
