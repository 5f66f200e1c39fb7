import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/tokens.ts";
import type { Caller } from "./caller.ts";
import { createdOnce, ok, pageOf, type Route, route } from "./route.ts";
import type { AuthService } from "./service.ts";

/** Making and revoking tokens, and asking who one is. */
export function authRoutes(
  db: Pick<Db, "write">,
  auth: AuthService,
  /** The newest registered instance of the agent that a caller acts for. @throws Problem 409 when it names another one */
  instanceFor: (caller: Caller) => Promise<string | null>,
): Route[] {
  return [
    route(api.createToken, async ({ caller, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => auth.create(tx, caller, body, idempotencyKey))),
    ),
    route(api.listTokens, async ({ caller, query, request }) =>
      pageOf(await auth.list(caller, query.page, query.limit), request),
    ),
    route(api.revokeToken, async ({ caller, params }) =>
      ok(await db.write((tx) => auth.revoke(tx, caller, params.id))),
    ),
    route(api.whoAmI, async ({ caller }) => {
      const { tokenId, role, agentId, groups, prefix, source, instanceId } = caller;
      const current = await instanceFor(caller);
      const instance = { given: instanceId, current, fenced: instanceId !== null && agentId !== null };
      return ok({ tokenId, role, agentId, groups, prefix, source, instance });
    }),
  ];
}
