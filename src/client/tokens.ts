import { NewToken, type TokenDraft, TokenList, type TokenQuery } from "../auth/schema.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on tokens; for operators. */
export function tokenVerbs({ ask }: Caller) {
  return {
    /** The answer has the secret, this once. Not repeated when no answer came: that would make a second token. */
    create(draft: TokenDraft, call?: Call): Promise<NewToken> {
      return ask({ method: "POST", path: "/v1/tokens", body: draft, answer: NewToken }, call);
    },

    list(query: Query<typeof TokenQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/tokens", query, answer: TokenList, repeatable: true }, call);
    },

    /** Ends it and closes its streams. */
    async revoke(id: string, call?: Call): Promise<void> {
      await ask({ method: "DELETE", path: `/v1/tokens/${part(id)}`, answer: Nothing }, call);
    },
  };
}
