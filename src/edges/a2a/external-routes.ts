import { z } from "zod";
import { ok, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import { OutsideAgent, OutsideDraft, OutsideList, OutsideQuery } from "../../protocol/a2a.ts";
import { AgentId } from "../../protocol/agents.ts";
import type { OutsideService } from "./external.ts";

const tag = "A2A";
const Path = z.strictObject({ id: AgentId });

/** Agents of other frameworks as members. */
export function outsideRoutes(db: Pick<Db, "read" | "write">, outside: OutsideService): Route[] {
  return [
    route({
      method: "PUT",
      path: "/v1/a2a/agents/{id}",
      operationId: "putOutsideAgent",
      summary: "Let an A2A agent in by its card",
      description:
        "It is an agent here from then on, under this id: what comes into its inbox is brought to it over A2A and tried again, " +
        "and what it answers comes back in its name. Its card is fetched right after this, and every five minutes. It goes " +
        "with `DELETE /v1/agents/{id}`.",
      tag,
      params: Path,
      body: OutsideDraft,
      example: { cardUrl: "https://agent.example.org" },
      answers: {
        201: { description: "Let in; see `state` later.", schema: OutsideAgent },
        200: { description: "Changed.", schema: OutsideAgent },
      },
      problems: ["forbidden", "conflict", "superseded", "unknown-instance", "group-not-allowed"],
      run: async ({ caller, params, body }) => {
        const made = await db.write((tx) => outside.put(tx, caller, params.id, body));
        return { status: made.created ? 201 : 200, body: made.outside };
      },
    }),
    route({
      method: "GET",
      path: "/v1/a2a/agents",
      operationId: "listOutsideAgents",
      summary: "A2A agents out there, and how they are reached",
      tag,
      query: OutsideQuery,
      answers: { 200: { description: "A page.", schema: OutsideList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        const list = await db.read((on) => outside.list(on, caller, query.page, query.limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/a2a/agents/{id}",
      operationId: "getOutsideAgent",
      summary: "One of them",
      tag,
      params: Path,
      answers: { 200: { description: "As it is now.", schema: OutsideAgent } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => ok(await db.read((on) => outside.get(on, caller, params.id))),
    }),
    route({
      method: "POST",
      path: "/v1/a2a/agents/{id}/refresh",
      operationId: "refreshOutsideAgent",
      summary: "Fetch its card now, and try what waits",
      tag,
      params: Path,
      answers: { 200: { description: "As it was before that.", schema: OutsideAgent } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => ok(await db.write((tx) => outside.refresh(tx, caller, params.id))),
    }),
  ];
}
