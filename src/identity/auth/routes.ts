import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/tokens.ts";
import type { Caller } from "./caller.ts";
import { ok, type Route, route, routesOn } from "./route.ts";
import type { AuthService } from "./service.ts";

/** Making and revoking tokens, and asking who one is. */
export function authRoutes(
  db: Db,
  auth: AuthService,
  /** The newest registered instance of the agent that a caller acts for. @throws Problem 409 when it names another one */
  instanceFor: (caller: Caller) => Promise<string | null>,
): Route[] {
  const { list, change, create } = routesOn(db);
  return [
    create(api.createToken, (tx, { caller, body, idempotencyKey }) => auth.create(tx, caller, body, idempotencyKey)),
    list(api.listTokens, (on, { caller, query }) => auth.list(on, caller, query)),
    change(api.revokeToken, (tx, { caller, params }) => auth.revoke(tx, caller, params.id)),
    route(api.whoAmI, async ({ caller }) => {
      const {
        tokenId,
        role,
        agentId,
        groups,
        prefix,
        source,
        personId,
        sessionId = null,
        signIn = false,
        instanceId,
      } = caller;
      const current = await instanceFor(caller);
      const instance = { given: instanceId, current, fenced: instanceId !== null && agentId !== null };
      return ok({ tokenId, role, agentId, groups, prefix, source, personId, sessionId, signIn, instance });
    }),
  ];
}
