import { ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/loops.ts";
import type { LoopService } from "./service.ts";

/** Seeing and resuming what agents overdid. */
export function loopRoutes(db: Pick<Db, "read" | "write">, loops: LoopService): Route[] {
  return [
    route(api.listLoops, async ({ caller, query, request }) => {
      const { status, limit } = query;
      const page = query.page === undefined ? undefined : Number(query.page);
      return pageOf(await db.read((on) => loops.list(on, caller, status, page, limit)), request);
    }),
    route(api.resumeLoop, async ({ caller, params }) =>
      ok(await db.write((tx) => loops.resume(tx, caller, params.rootId))),
    ),
  ];
}
