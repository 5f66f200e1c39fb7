import { NewToken, RevokedToken, type TokenDraft, TokenList, type TokenQuery } from "../protocol/tokens.ts";
import { type Caller, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on tokens; for operators. */
export function tokenVerbs({ ask }: Caller) {
  return {
    /**
     * The answer has the secret, this once; asked for again with the same key it is the same token. Without a key it is not
     * repeated when no answer came: that would make a second one.
     */
    create(draft: TokenDraft, { idempotencyKey, ...call }: Call & { idempotencyKey?: string } = {}): Promise<NewToken> {
      const keyed = idempotencyKey !== undefined;
      const headers: Record<string, string> = keyed ? { "idempotency-key": idempotencyKey } : {};
      const exchange = { method: "POST" as const, path: "/v1/tokens", body: draft, answer: NewToken, headers };
      return ask({ ...exchange, repeatable: keyed }, call);
    },

    list(query: Query<typeof TokenQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/tokens", query, answer: TokenList, repeatable: true }, call);
    },

    /** Ends it and closes its streams. `paused` lists what it had set up: webhooks, schedules, push configurations. */
    revoke(id: string, call?: Call): Promise<RevokedToken> {
      return ask({ method: "DELETE", path: `/v1/tokens/${part(id)}`, answer: RevokedToken, repeatable: true }, call);
    },
  };
}
