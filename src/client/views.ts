import * as api from "../protocol/views.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on saved views: pages of the console that people keep under a name. */
export const viewVerbs = ({ ask }: Caller) => ({
  /** Lists the person's own views and the shared ones, by name. */
  list: (query: Query<typeof api.ViewQuery> = {}, call?: Call) => ask(api.listViews, { query }, call),

  get: (name: string, call?: Call): Promise<api.View> => ask(api.getView, { params: { name } }, call),

  /** Makes or replaces a view of the person; without a person, one for everybody. */
  put: (name: string, body: api.ViewDraft, call?: Call): Promise<api.View> =>
    ask(api.putView, { params: { name }, body }, call),

  delete: (name: string, call?: Call): Promise<void> => ask(api.deleteView, { params: { name } }, call),
});
