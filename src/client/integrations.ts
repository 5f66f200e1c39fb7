import {
  EventResult,
  Integration,
  type IntegrationDraft,
  IntegrationList,
  type IntegrationQuery,
  SavedIntegration,
} from "../protocol/integrations.ts";
import { type Caller, Nothing, part, type Query } from "./caller.ts";
import { randomKey } from "./messages.ts";
import type { Call } from "./transport.ts";

/** The verbs on sources of events. */
export function integrationVerbs({ ask }: Caller) {
  const at = (source: string, rest = "") => `/v1/integrations/${part(source)}${rest}`;

  return {
    /** For operators: makes or changes one, the whole of it. Not repeated: the answer may have a secret, this once. */
    put(source: string, draft: IntegrationDraft = {}, call?: Call): Promise<SavedIntegration> {
      return ask({ method: "PUT", path: at(source), body: draft, answer: SavedIntegration }, call);
    },

    list(query: Query<typeof IntegrationQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/integrations", query, answer: IntegrationList, repeatable: true }, call);
    },

    get(source: string, call?: Call): Promise<Integration> {
      return ask({ method: "GET", path: at(source), answer: Integration, repeatable: true }, call);
    },

    /** For operators. Its tasks stay. */
    async delete(source: string, call?: Call): Promise<void> {
      await ask({ method: "DELETE", path: at(source), answer: Nothing }, call);
    },

    /** Reports an event as the source's own, by its token or an operator's; a key of our own makes it safe to repeat. */
    post(
      source: string,
      event: Record<string, unknown>,
      { idempotencyKey = randomKey(), ...call }: Call & { idempotencyKey?: string } = {},
    ): Promise<EventResult> {
      const exchange = { method: "POST" as const, path: at(source, "/events"), body: event, answer: EventResult };
      return ask({ ...exchange, headers: { "idempotency-key": idempotencyKey }, repeatable: true }, call);
    },
  };
}
