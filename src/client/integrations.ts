import * as api from "../protocol/integrations.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on sources of events. */
export const integrationVerbs = ({ ask, askOnce }: Caller) => ({
  /** Makes or replaces an integration; for operators. Not repeated: the answer may show a secret, once. */
  put: (source: string, body: api.IntegrationDraft = {}, call?: Call): Promise<api.SavedIntegration> =>
    ask(api.putIntegration, { params: { source }, body }, call),

  list: (query: Query<typeof api.IntegrationQuery> = {}, call?: Call) => ask(api.listIntegrations, { query }, call),

  get: (source: string, call?: Call): Promise<api.Integration> => ask(api.getIntegration, { params: { source } }, call),

  /** Deletes an integration; for operators. Its tasks stay. */
  delete: (source: string, call?: Call): Promise<void> => ask(api.deleteIntegration, { params: { source } }, call),

  /** Reports an event of the source, with its token or an operator's. An idempotency key of our own makes a repeat safe. */
  post: (source: string, body: Record<string, unknown>, call?: Keyed): Promise<api.EventResult> =>
    askOnce(api.postEvent, { params: { source }, body }, call),
});
