import { ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/loops.ts";
import type { GuardService } from "./service.ts";

/** Seeing and resuming what agents overdid. */
export function guardRoutes(db: Pick<Db, "read" | "write">, guard: GuardService): Route[] {
  return [
    route(api.listLoops, async ({ caller, query, request }) => {
      const { status, limit } = query;
      const page = query.page === undefined ? undefined : Number(query.page);
      return pageOf(await db.read((on) => guard.list(on, caller, status, page, limit)), request);
    }),
    route(api.resumeLoop, async ({ caller, params }) =>
      ok(await db.write((tx) => guard.resume(tx, caller, params.rootId))),
    ),
  ];
}
