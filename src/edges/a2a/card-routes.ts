import type { AgentService } from "../../identity/agents/service.ts";
import { type Route, route } from "../../identity/auth/route.ts";
import { etagOf, unlessKnown } from "../../kernel/http/etag.ts";
import * as api from "../../protocol/a2a.ts";
import { Problem } from "../../protocol/problem.ts";
import { agentCard, cardJson, relayCard } from "./cards.ts";
import { baseOf } from "./endpoint.ts";

/** Time for which a client may keep a card. */
const MAX_AGE_SECONDS = 60;

/** Public cards of the relay and its agents. A caller is checked when it calls. */
export function cardRoutes(agents: AgentService, publicUrl: string | undefined): Route[] {
  return [
    route(api.relayCard, ({ request, headers }) =>
      answer(request, headers, cardJson(relayCard(baseOf(request, publicUrl)))),
    ),
    route(api.agentCard, async ({ params, request, headers }) => {
      const agent = await agents.provider(params.agentId);
      if (!agent) throw new Problem("not-found", "There is no card of that name.");
      return answer(request, headers, cardJson(agentCard(agent, baseOf(request, publicUrl))));
    }),
  ];
}

function answer(request: Request, headers: Record<string, string>, body: string): Response {
  return unlessKnown(request, body, {
    ...headers,
    etag: etagOf(body),
    // The card has the host of the request in its addresses.
    ...{ "cache-control": `public, max-age=${MAX_AGE_SECONDS}`, vary: "Host", "content-type": "application/json" },
  });
}
