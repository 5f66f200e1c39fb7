import * as api from "../protocol/sessions.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on limits that providers have set for accounts. */
export const limitVerbs = ({ ask }: Caller) => ({
  list: (query: Query<typeof api.LimitQuery> = {}, call?: Call) => ask(api.listLimits, { query }, call),

  /** Reports a limit; by an orchestrator. One for each provider and account. */
  put: (provider: string, account: string, body: api.LimitDraft, call?: Call): Promise<api.Limit> =>
    ask(api.putLimit, { params: { provider, account }, body }, call),

  /** Clears a limit, and frees its sessions; by an operator, or the orchestrator of a session that was asked to try. */
  clear: (provider: string, account: string, call?: Call): Promise<void> =>
    ask(api.deleteLimit, { params: { provider, account } }, call),
});
