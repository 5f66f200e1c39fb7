import { type ActivityQuery, listActivity } from "../protocol/activity.ts";
import * as api from "../protocol/health.ts";
import { type WhoAmI, whoAmI } from "../protocol/tokens.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Time limit of a backup: copying a large database takes long. */
const BACKUP_TIMEOUT_MS = 600_000;

/** Verbs on the relay itself. */
export const relayVerbs = ({ ask }: Caller) => ({
  /** Identity of the caller, and the instance that its calls name. */
  whoami: (call?: Call): Promise<WhoAmI> => ask(whoAmI, {}, call),

  /** Checks that the relay runs; needs no token. */
  alive: (call?: Call) => ask(api.alive, {}, call),

  /** Health report of the relay; the worst check decides. */
  health: (call?: Call): Promise<api.HealthReport> => ask(api.healthReport, {}, call),

  /** Copies the whole database into the relay's data folder; for operators. */
  backup: ({ keep }: { keep?: number } = {}, call?: Call): Promise<api.Backup> =>
    ask(api.makeBackup, { query: { keep } }, { timeoutMs: BACKUP_TIMEOUT_MS, ...call }),

  /** Lists the copies in the relay's data folder, newest first; for operators. */
  backups: (call?: Call): Promise<api.BackupList> => ask(api.listBackups, {}, call),

  /** Lists the audit log, newest first; for operators and viewers. */
  activity: (query: Query<typeof ActivityQuery> = {}, call?: Call) => ask(listActivity, { query }, call),
});
