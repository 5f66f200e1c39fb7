import * as api from "../protocol/tokens.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on tokens; for operators. */
export const tokenVerbs = ({ ask }: Caller) => ({
  /**
   * Creates a token; the answer shows its secret once. The same key returns the same token. Without a key the call is not repeated:
   * that could make a second token.
   */
  create: (body: api.TokenDraft, { idempotencyKey: key, ...call }: Keyed = {}): Promise<api.NewToken> =>
    ask(api.createToken, { body, key }, call),

  list: (query: Query<typeof api.TokenQuery> = {}, call?: Call) => ask(api.listTokens, { query }, call),

  /** Revokes a token and closes its streams. `paused` lists the webhooks, schedules and push configurations that it made. */
  revoke: (id: string, call?: Call): Promise<api.RevokedToken> => ask(api.revokeToken, { params: { id } }, call),
});
