import * as api from "../protocol/tokens.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on tokens; for operators. */
export function tokenVerbs({ ask }: Caller) {
  return {
    /**
     * The answer has the secret, this once; asked for again with the same key it is the same token. Without a key it is not
     * repeated when no answer came: that would make a second one.
     */
    create: (body: api.TokenDraft, { idempotencyKey: key, ...call }: Keyed = {}): Promise<api.NewToken> =>
      ask(api.createToken, { body, key }, call),

    list: (query: Query<typeof api.TokenQuery> = {}, call?: Call) => ask(api.listTokens, { query }, call),

    /** Ends it and closes its streams. `paused` lists what it had set up: webhooks, schedules, push configurations. */
    revoke: (id: string, call?: Call): Promise<api.RevokedToken> => ask(api.revokeToken, { params: { id } }, call),
  };
}
