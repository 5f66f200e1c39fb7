import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/orchestrators.ts";
import { noContent, ok, pageOf, type Route, route } from "../auth/route.ts";
import type { OrchestratorService } from "./service.ts";

/** Registering, finding, draining and deleting orchestrators. */
export function orchestratorRoutes(db: Pick<Db, "read" | "write">, orchestrators: OrchestratorService): Route[] {
  return [
    route(api.registerOrchestrator, async ({ caller, params, body }) => {
      const { orchestrator, created } = await db.write((tx) => orchestrators.register(tx, caller, params.id, body));
      return { status: created ? 201 : 200, body: orchestrator };
    }),
    route(api.listOrchestrators, async ({ caller, query, request }) => {
      const { limit, page, ...filter } = query;
      return pageOf(await db.read((on) => orchestrators.list(on, caller, filter, page, limit)), request);
    }),
    route(api.getOrchestrator, async ({ caller, params }) =>
      ok(await db.read((on) => orchestrators.get(on, caller, params.id))),
    ),
    route(api.changeOrchestrator, async ({ caller, params, body }) =>
      ok(await db.write((tx) => orchestrators.patch(tx, caller, params.id, body))),
    ),
    route(api.deleteOrchestrator, async ({ caller, params }) => {
      await db.write((tx) => orchestrators.remove(tx, caller, params.id));
      return noContent;
    }),
    route(api.orchestratorHeartbeat, async ({ caller, params, body }) =>
      ok(await db.write((tx) => orchestrators.heartbeat(tx, caller, params.id, body))),
    ),
  ];
}
