import { noContent, ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { lastEventId } from "../../kernel/http/sse.ts";
import * as api from "../../protocol/run-routes.ts";
import type { EventService } from "./events.ts";
import { tokenIn } from "./fence.ts";
import type { PartReads } from "./parts.ts";
import { partForm, turnForm, uiForm } from "./ui-stream.ts";

/** The log of runs: appending to it, reading and following it. */
export function partRoutes(
  { read, write }: Db,
  { events, parts }: { events: EventService; parts: PartReads },
): Route[] {
  return [
    route(api.appendRunEvents, async ({ caller, params, body, request }) =>
      ok(await write((tx) => events.append(tx, caller, params.id, tokenIn(request), body.events))),
    ),
    route(api.listRunEvents, async ({ caller, params, query }) =>
      ok(new RawJson(await read((on) => parts.list(on, caller, params.id, query)))),
    ),
    route(api.getRunDiff, async ({ caller, params }) => ok(await read((on) => parts.diff(on, caller, params.id)))),
    route(api.followRunEvents, (call) => {
      const { after, turn } = call.query;
      const form = turn === undefined ? partForm : turnForm;
      return parts.follow(call, call.params.id, { after: lastEventId(call.request) ?? after, turn }, form);
    }),
    route(api.streamRun, async (call) => {
      const { turn, live } = call.query;
      return (await parts.followTurn(call, call.params.id, { turn, live: live === "true" }, uiForm())) ?? noContent;
    }),
  ];
}
