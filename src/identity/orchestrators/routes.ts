import { z } from "zod";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import {
  Orchestrator,
  OrchestratorHeartbeat,
  OrchestratorId,
  OrchestratorList,
  OrchestratorPatch,
  OrchestratorQuery,
  OrchestratorRegistration,
} from "../../protocol/orchestrators.ts";
import { ok, type Route, route } from "../auth/route.ts";
import type { OrchestratorService } from "./service.ts";

const Path = z.strictObject({ id: OrchestratorId });
const tag = "Orchestrators";

/** Registering, finding, draining and deleting orchestrators. */
export function orchestratorRoutes(db: Pick<Db, "read" | "write">, orchestrators: OrchestratorService): Route[] {
  return [
    route({
      method: "PUT",
      path: "/v1/orchestrators/{id}",
      operationId: "registerOrchestrator",
      summary: "Register an orchestrator and its agent, or register it again",
      description:
        "It is online; what it manages stays. Its agent is orchestrator-<id>, with the tags orchestrator and hostname and the capabilities orchestrator and spawn.",
      tag,
      params: Path,
      body: OrchestratorRegistration,
      example: {
        hostname: "box-1",
        providers: [{ name: "claude", version: "2.1.0", capabilities: [] }],
        baseDir: "/srv/agents",
      },
      answers: {
        200: { description: "Was there before.", schema: Orchestrator },
        201: { description: "New.", schema: Orchestrator },
      },
      problems: ["forbidden", "group-not-allowed", "superseded"],
      run: async ({ caller, params, body }) => {
        const { orchestrator, created } = await db.write((tx) => orchestrators.register(tx, caller, params.id, body));
        return { status: created ? 201 : 200, body: orchestrator };
      },
    }),
    route({
      method: "GET",
      path: "/v1/orchestrators",
      operationId: "listOrchestrators",
      summary: "Which orchestrators there are",
      tag,
      query: OrchestratorQuery,
      answers: { 200: { description: "A page, by id. An orchestrator sees itself alone.", schema: OrchestratorList } },
      problems: ["forbidden", "superseded"],
      run: async ({ caller, query, request }) => {
        const { limit, page, ...filter } = query;
        const list = await db.read((on) => orchestrators.list(on, caller, filter, page, limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/orchestrators/{id}",
      operationId: "getOrchestrator",
      summary: "One orchestrator and what it manages",
      tag,
      params: Path,
      answers: { 200: { description: "The orchestrator.", schema: Orchestrator } },
      problems: ["forbidden", "superseded", "not-found"],
      run: async ({ caller, params }) => ok(await db.read((on) => orchestrators.get(on, caller, params.id))),
    }),
    route({
      method: "PATCH",
      path: "/v1/orchestrators/{id}",
      operationId: "changeOrchestrator",
      summary: "Drain an orchestrator, say that it stops, or change what it says of itself",
      tag,
      params: Path,
      body: OrchestratorPatch,
      example: { status: "draining" },
      answers: { 200: { description: "The orchestrator as it is now.", schema: Orchestrator } },
      problems: ["forbidden", "group-not-allowed", "not-found", "superseded"],
      run: async ({ caller, params, body }) =>
        ok(await db.write((tx) => orchestrators.patch(tx, caller, params.id, body))),
    }),
    route({
      method: "DELETE",
      path: "/v1/orchestrators/{id}",
      operationId: "deleteOrchestrator",
      summary: "Delete an orchestrator and its agent",
      description:
        "As deleting an agent: messages stay, streams close, tokens end, senders of unread messages are told.",
      tag,
      params: Path,
      answers: { 204: { description: "Deleted." } },
      problems: ["forbidden", "not-found", "superseded"],
      run: async ({ caller, params }) => {
        await db.write((tx) => orchestrators.remove(tx, caller, params.id));
        return { status: 204 };
      },
    }),
    route({
      method: "POST",
      path: "/v1/orchestrators/{id}/heartbeat",
      operationId: "orchestratorHeartbeat",
      summary: "Say that the orchestrator is there, and what it manages",
      tag,
      params: Path,
      body: OrchestratorHeartbeat,
      example: { managedAgents: [] },
      bodyOptional: true,
      answers: { 200: { description: "The orchestrator as it is now.", schema: Orchestrator } },
      problems: ["forbidden", "not-found", "superseded"],
      run: async ({ caller, params, body }) =>
        ok(await db.write((tx) => orchestrators.heartbeat(tx, caller, params.id, body))),
    }),
  ];
}
