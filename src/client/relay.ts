import { ActivityList, type ActivityQuery } from "../protocol/activity.ts";
import { Alive, Backup, HealthReport } from "../protocol/health.ts";
import { WhoAmI } from "../protocol/tokens.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** A large database takes its time to copy. */
const BACKUP_TIMEOUT_MS = 600_000;

/** The verbs on the relay itself. */
export function relayVerbs({ ask }: Caller) {
  return {
    /** Who the caller is, and whether its calls name an instance. */
    whoami(call?: Call): Promise<WhoAmI> {
      return ask({ method: "GET", path: "/v1/whoami", answer: WhoAmI, repeatable: true }, call);
    },

    /** Answers without a token: the process is there. */
    alive(call?: Call) {
      return ask({ method: "GET", path: "/healthz", answer: Alive, repeatable: true }, call);
    },

    /** The relay's report on itself; the worst check wins. */
    health(call?: Call): Promise<HealthReport> {
      return ask({ method: "GET", path: "/v1/health", answer: HealthReport, repeatable: true }, call);
    },

    /** For operators: a whole copy of the database, in the relay's data folder. */
    backup({ keep }: { keep?: number } = {}, call?: Call): Promise<Backup> {
      const exchange = { method: "POST", path: "/v1/backups", query: { keep }, answer: Backup } as const;
      return ask(exchange, { timeoutMs: BACKUP_TIMEOUT_MS, ...call });
    },

    /** For operators and viewers: who did what, newest first. */
    activity(query: Query<typeof ActivityQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/activity", query, answer: ActivityList, repeatable: true }, call);
    },
  };
}
