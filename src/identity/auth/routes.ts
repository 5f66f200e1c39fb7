import { z } from "zod";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import { NewToken, RevokedToken, TokenDraft, TokenId, TokenList, TokenQuery, WhoAmI } from "../../protocol/tokens.ts";
import type { Caller } from "./caller.ts";
import { createdOnce, ok, type Route, route } from "./route.ts";
import type { AuthService } from "./service.ts";

const Path = z.strictObject({ id: TokenId });
const tag = "Tokens";

/** Making and revoking tokens, and asking who one is. */
export function authRoutes(
  db: Pick<Db, "write">,
  auth: AuthService,
  /** The newest registered instance of the agent that a caller acts for. @throws Problem 409 when it names another one */
  instanceFor: (caller: Caller) => Promise<string | null>,
): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/tokens",
      operationId: "createToken",
      summary: "Make a token",
      tag,
      body: TokenDraft,
      example: { role: "agent", agentId: "reviewer", name: "laptop" },
      idempotent: true,
      answers: {
        201: { description: "`token` is shown this once.", schema: NewToken },
        200: { description: "Made before with this key: the same token.", schema: NewToken },
      },
      problems: ["forbidden", "deleted", "conflict"],
      run: async ({ caller, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => auth.create(tx, caller, body, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/tokens",
      operationId: "listTokens",
      summary: "All tokens, newest first, without their secrets",
      tag,
      query: TokenQuery,
      answers: { 200: { description: "A page.", schema: TokenList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        const list = await auth.list(caller, query.page, query.limit);
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "DELETE",
      path: "/v1/tokens/{id}",
      operationId: "revokeToken",
      summary: "Revoke a token; its streams close at once",
      description: "The webhooks, schedules and push configurations that it made are paused, and listed.",
      tag,
      params: Path,
      answers: { 200: { description: "Revoked.", schema: RevokedToken } },
      problems: ["forbidden", "not-found", "conflict"],
      run: async ({ caller, params }) => ok(await db.write((tx) => auth.revoke(tx, caller, params.id))),
    }),
    route({
      method: "GET",
      path: "/v1/whoami",
      operationId: "whoAmI",
      summary: "Who the caller is",
      tag,
      answers: { 200: { description: "What the token may do, and whether this call is fenced.", schema: WhoAmI } },
      problems: ["superseded"],
      run: async ({ caller }) => {
        const { tokenId, role, agentId, groups, prefix, source, instanceId } = caller;
        const current = await instanceFor(caller);
        const instance = { given: instanceId, current, fenced: instanceId !== null && agentId !== null };
        return ok({ tokenId, role, agentId, groups, prefix, source, instance });
      },
    }),
  ];
}
