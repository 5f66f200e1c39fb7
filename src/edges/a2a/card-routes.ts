import { z } from "zod";
import type { AgentService } from "../../identity/agents/service.ts";
import { type AnswerDoc, type Route, route } from "../../identity/auth/route.ts";
import { etagOf, unlessKnown } from "../../kernel/http/etag.ts";
import { Card } from "../../protocol/a2a.ts";
import { AgentId } from "../../protocol/agents.ts";
import { Problem } from "../../protocol/problem.ts";
import { agentCard, cardJson, relayCard } from "./cards.ts";
import { baseOf } from "./endpoint.ts";

const tag = "A2A";
/** How long a card may be used without asking again. */
const MAX_AGE_SECONDS = 60;

const answers: Record<number, AnswerDoc> = {
  200: { description: "The card.", schema: Card },
  304: { description: "Unchanged since the given ETag." },
};

/** Cards, for everybody: how the relay and its agents are called over A2A. Who may call them is asked when they do. */
export function cardRoutes(agents: AgentService, publicUrl: string | undefined): Route[] {
  return [
    route({
      method: "GET",
      path: "/.well-known/agent-card.json",
      operationId: "relayCard",
      summary: "The relay's A2A card",
      tag,
      open: true,
      answers,
      run: ({ request, headers }) => answer(request, headers, cardJson(relayCard(baseOf(request, publicUrl)))),
    }),
    route({
      method: "GET",
      path: "/a2a/{agentId}/.well-known/agent-card.json",
      operationId: "agentCard",
      summary: "An agent's A2A card",
      description: "Of AI agents alone: people, channels and machines have none.",
      tag,
      open: true,
      params: z.strictObject({ agentId: AgentId }),
      answers,
      problems: ["not-found", "bad-request"],
      run: async ({ params, request, headers }) => {
        const agent = await agents.provider(params.agentId);
        if (!agent) throw new Problem("not-found", "There is no card of that name.");
        return answer(request, headers, cardJson(agentCard(agent, baseOf(request, publicUrl))));
      },
    }),
  ];
}

function answer(request: Request, headers: Record<string, string>, body: string): Response {
  return unlessKnown(request, body, {
    ...headers,
    etag: etagOf(body),
    // It names addresses as the request had them.
    ...{ "cache-control": `public, max-age=${MAX_AGE_SECONDS}`, vary: "Host", "content-type": "application/json" },
  });
}
