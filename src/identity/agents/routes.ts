import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/agents.ts";
import { noContent, ok, pageOf, type Route, route } from "../auth/route.ts";
import type { AgentService } from "./service.ts";

/** Registering, finding, changing and deleting agents. */
export function agentRoutes(db: Pick<Db, "write">, agents: AgentService): Route[] {
  return [
    route(api.registerAgent, async ({ caller, params, body }) => {
      const { agent, created } = await db.write((tx) => agents.register(tx, caller, params.id, body));
      return { status: created ? 201 : 200, body: agent };
    }),
    route(api.listAgents, async ({ caller, query, request }) => {
      const { limit, page, ...filter } = query;
      return pageOf(await agents.list(caller, filter, page, limit), request);
    }),
    route(api.getAgent, async ({ caller, params }) => ok(await agents.get(caller, params.id))),
    route(api.changeAgent, async ({ caller, params, body }) =>
      ok(await db.write((tx) => agents.patch(tx, caller, params.id, body))),
    ),
    route(api.deleteAgent, async ({ caller, params }) => {
      await db.write((tx) => agents.remove(tx, caller, params.id));
      return noContent;
    }),
    route(api.restoreAgent, async ({ caller, params }) =>
      ok(await db.write((tx) => agents.restore(tx, caller, params.id))),
    ),
    route(api.heartbeat, async ({ caller, params, body }) =>
      ok(await db.write((tx) => agents.heartbeat(tx, caller, params.id, body))),
    ),
  ];
}
