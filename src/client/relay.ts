import { type ActivityQuery, listActivity } from "../protocol/activity.ts";
import * as api from "../protocol/health.ts";
import { type WhoAmI, whoAmI } from "../protocol/tokens.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** A large database takes its time to copy. */
const BACKUP_TIMEOUT_MS = 600_000;

/** The verbs on the relay itself. */
export function relayVerbs({ ask }: Caller) {
  return {
    /** Who the caller is, and whether its calls name an instance. */
    whoami: (call?: Call): Promise<WhoAmI> => ask(whoAmI, {}, call),

    /** Answers without a token: the process is there. */
    alive: (call?: Call) => ask(api.alive, {}, call),

    /** The relay's report on itself; the worst check wins. */
    health: (call?: Call): Promise<api.HealthReport> => ask(api.healthReport, {}, call),

    /** For operators: a whole copy of the database, in the relay's data folder. */
    backup: ({ keep }: { keep?: number } = {}, call?: Call): Promise<api.Backup> =>
      ask(api.makeBackup, { query: { keep } }, { timeoutMs: BACKUP_TIMEOUT_MS, ...call }),

    /** For operators and viewers: who did what, newest first. */
    activity: (query: Query<typeof ActivityQuery> = {}, call?: Call) => ask(listActivity, { query }, call),
  };
}
