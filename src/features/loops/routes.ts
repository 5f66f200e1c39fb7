import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/loops.ts";
import type { LoopService } from "./service.ts";

/** Loops that were paused: seeing and resuming them. */
export function loopRoutes(db: Db, loops: LoopService): Route[] {
  const { list, change } = routesOn(db);
  return [
    list(api.listLoops, (on, { caller, query }) => loops.list(on, caller, query)),
    change(api.resumeLoop, (tx, { caller, params }) => loops.resume(tx, caller, params.rootId)),
  ];
}
