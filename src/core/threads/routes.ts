import { ok, pageOf, RawJson, type Route, route, routesOn } from "../../identity/auth/route.ts";
import * as api from "../../protocol/threads.ts";
import type { Areas } from "../core.ts";

/** Threads, as people see them, and their messages. */
export function threadRoutes({ kernel, core }: Areas): Route[] {
  const { db } = kernel;
  const { threads } = core;
  const { lists, readers } = core.messages;
  const { change } = routesOn(db);
  return [
    route(api.listThreads, async ({ caller, query, request }) => {
      const hits = query.q === undefined ? undefined : (await lists.hits(caller, query.q, {})).ids;
      return pageOf(await threads.reading((on) => threads.list(on, caller, query, hits)), request);
    }),
    route(api.getThread, async ({ caller, params, query }) =>
      ok(
        await threads.reading(async (on) => {
          const page = { after: query.page ?? 0, limit: query.limit };
          const json = await readers.thread(on, caller, params.id, page);
          const about = await threads.about(on, caller, params.id);
          return new RawJson(`${json.slice(0, -1)},"thread":${JSON.stringify(about)}}`);
        }),
      ),
    ),
    change(api.changeThread, (tx, { caller, params, body }) => threads.change(tx, caller, params.id, body)),
    change(api.readThread, (tx, { caller, params, body }) => threads.read(tx, caller, params.id, body.upTo)),
  ];
}
