import type { Areas } from "../../core/core.ts";
import { ok, type Route, route, routesOn } from "../../identity/auth/route.ts";
import * as api from "../../protocol/run-routes.ts";
import type { Abort } from "./abort.ts";
import { tokenIn } from "./fence.ts";
import type { Finishing } from "./finishing.ts";
import type { Life } from "./life.ts";
import type { RunService } from "./service.ts";
import type { Tell } from "./tell.ts";
import type { createRunTree } from "./tree.ts";

interface Verbs {
  service: RunService;
  life: Life;
  abort: Abort;
  tell: Tell;
  tree: ReturnType<typeof createRunTree>;
  finishing: Finishing;
}

/** Runs: asking for them, running them, reading them. */
export function runRoutes({ kernel }: Areas, { service, life, abort, tell, tree, finishing }: Verbs): Route[] {
  const { db } = kernel;
  const { get, list, change, create } = routesOn(db);
  return [
    create(api.createRun, (tx, { caller, body, request, idempotencyKey }) =>
      service.create(tx, caller, body, tokenIn(request), idempotencyKey),
    ),
    list(api.listRuns, (on, { caller, query }) => service.list(on, caller, query)),
    get(api.getRun, (on, { caller, params }) => service.get(on, caller, params.id)),
    change(api.startRun, async (tx, { caller, params, body }) =>
      service.started(tx, caller, await life.start(tx, caller, params.id, body)),
    ),
    change(api.renewRun, (tx, { caller, params, body, request }) =>
      life.renew(tx, caller, params.id, tokenIn(request), body.leaseSeconds),
    ),
    route(api.finishRun, async ({ caller, params, body, request }) =>
      ok(await finishing.finish(caller, params.id, tokenIn(request), body)),
    ),
    change(api.abortRun, (tx, { caller, params, body }) => abort.abort(tx, caller, params.id, body)),
    change(api.tellRun, (tx, { caller, params, body }) => tell.tell(tx, caller, params.id, body)),
    get(api.getRunTree, (on, { caller, params }) => tree.tree(on, caller, params.id)),
  ];
}
