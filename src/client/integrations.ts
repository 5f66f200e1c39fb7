import * as api from "../protocol/integrations.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on sources of events. */
export function integrationVerbs({ ask, askOnce }: Caller) {
  return {
    /** For operators: makes or changes one, the whole of it. Not repeated: the answer may have a secret, this once. */
    put: (source: string, body: api.IntegrationDraft = {}, call?: Call): Promise<api.SavedIntegration> =>
      ask(api.putIntegration, { params: { source }, body }, call),

    list: (query: Query<typeof api.IntegrationQuery> = {}, call?: Call) => ask(api.listIntegrations, { query }, call),

    get: (source: string, call?: Call): Promise<api.Integration> =>
      ask(api.getIntegration, { params: { source } }, call),

    /** For operators. Its tasks stay. */
    delete: (source: string, call?: Call): Promise<void> => ask(api.deleteIntegration, { params: { source } }, call),

    /** Reports an event as the source's own, by its token or an operator's; a key of our own makes it safe to repeat. */
    post: (source: string, body: Record<string, unknown>, call?: Keyed): Promise<api.EventResult> =>
      askOnce(api.postEvent, { params: { source }, body }, call),
  };
}
