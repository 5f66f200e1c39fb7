import * as api from "../protocol/profiles.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on profiles: how agents are started, and what is wanted of them. */
export const profileVerbs = ({ ask }: Caller) => ({
  /** Lists profiles by name. */
  list: (query: Query<typeof api.ProfileQuery> = {}, call?: Call) => ask(api.listProfiles, { query }, call),

  get: (name: string, call?: Call): Promise<api.Profile> => ask(api.getProfile, { params: { name } }, call),

  /** Makes or replaces a profile; for operators. */
  put: (name: string, body: api.ProfileDraft, call?: Call): Promise<api.Profile> =>
    ask(api.putProfile, { params: { name }, body }, call),

  delete: (name: string, call?: Call): Promise<void> => ask(api.deleteProfile, { params: { name } }, call),
});
