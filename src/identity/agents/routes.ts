import { z } from "zod";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import {
  Agent,
  AgentId,
  AgentList,
  AgentPatch,
  AgentQuery,
  AgentRegistration,
  Heartbeat,
  RegisteredAgent,
} from "../../protocol/agents.ts";
import { ok, type Route, route } from "../auth/route.ts";
import type { AgentService } from "./service.ts";

const Path = z.strictObject({ id: AgentId });
const tag = "Agents";

/** Registering, finding, changing and deleting agents. */
export function agentRoutes(db: Pick<Db, "write">, agents: AgentService): Route[] {
  return [
    route({
      method: "PUT",
      path: "/v1/agents/{id}",
      operationId: "registerAgent",
      summary: "Register an agent, or register it again",
      description:
        "Fields left out keep their value, [] empties, null clears. A new instanceId supersedes the older instance.",
      tag,
      params: Path,
      body: AgentRegistration,
      example: { name: "Reviewer", description: "Reviews pull requests", tags: ["review"], instanceId: "laptop-1" },
      answers: {
        200: { description: "Was there before.", schema: RegisteredAgent },
        201: {
          description: "New. With an enroll token: `token` is the agent's own, shown this once.",
          schema: RegisteredAgent,
        },
      },
      problems: ["forbidden", "group-not-allowed", "superseded", "conflict", "deleted"],
      run: async ({ caller, params, body }) => {
        const { agent, created } = await db.write((tx) => agents.register(tx, caller, params.id, body));
        return { status: created ? 201 : 200, body: agent };
      },
    }),
    route({
      method: "GET",
      path: "/v1/agents",
      operationId: "listAgents",
      summary: "Who is here",
      tag,
      query: AgentQuery,
      answers: { 200: { description: "A page, by id.", schema: AgentList } },
      problems: ["forbidden", "superseded"],
      run: async ({ caller, query, request }) => {
        const { limit, page, ...filter } = query;
        const list = await agents.list(caller, filter, page, limit);
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/agents/{id}",
      operationId: "getAgent",
      summary: "One agent",
      tag,
      params: Path,
      answers: { 200: { description: "The agent.", schema: Agent } },
      problems: ["forbidden", "superseded", "not-found", "gone"],
      run: async ({ caller, params }) => ok(await agents.get(caller, params.id)),
    }),
    route({
      method: "PATCH",
      path: "/v1/agents/{id}",
      operationId: "changeAgent",
      summary: "Change an agent",
      tag,
      params: Path,
      body: AgentPatch,
      example: { tags: ["review", "docs"], ready: true },
      answers: { 200: { description: "The agent as it is now.", schema: Agent } },
      problems: ["forbidden", "not-found", "gone", "superseded", "group-not-allowed"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => agents.patch(tx, caller, params.id, body))),
    }),
    route({
      method: "DELETE",
      path: "/v1/agents/{id}",
      operationId: "deleteAgent",
      summary: "Delete an agent",
      description:
        "Its messages stay, and its id stays its own. Work for it alone is cancelled, a group's work that it held is open " +
        "again, its delegations fail, its streams close, its tokens end. Senders of what it never read are told once.",
      tag,
      params: Path,
      answers: { 204: { description: "Deleted." } },
      problems: ["forbidden", "not-found", "gone", "superseded"],
      run: async ({ caller, params }) => {
        await db.write((tx) => agents.remove(tx, caller, params.id));
        return { status: 204 };
      },
    }),
    route({
      method: "POST",
      path: "/v1/agents/{id}/restore",
      operationId: "restoreAgent",
      summary: "Restore a deleted agent",
      description:
        "By an operator, or the orchestrator that deleted it. The same agent with the same mail, offline; its groups begin at " +
        "the head. Tokens, work, delegations, schedules, webhooks and bindings that ended stay ended. An orchestrator enrolls it again for a new token.",
      tag,
      params: Path,
      answers: { 200: { description: "The agent as it is now.", schema: Agent } },
      problems: ["forbidden", "not-found", "gone"],
      run: async ({ caller, params }) => ok(await db.write((tx) => agents.restore(tx, caller, params.id))),
    }),
    route({
      method: "POST",
      path: "/v1/agents/{id}/heartbeat",
      operationId: "heartbeat",
      summary: "Say that the agent is there",
      tag,
      params: Path,
      body: Heartbeat,
      example: { status: "busy" },
      bodyOptional: true,
      answers: { 200: { description: "The agent as it is now.", schema: Agent } },
      problems: ["forbidden", "not-found", "gone", "superseded"],
      run: async ({ caller, params, body }) =>
        ok(await db.write((tx) => agents.heartbeat(tx, caller, params.id, body))),
    }),
  ];
}
