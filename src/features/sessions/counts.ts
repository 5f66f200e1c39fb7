import type { Areas } from "../../core/core.ts";
import type { SessionChange, SessionState } from "../../protocol/sessions.ts";
import type { SessionRow } from "./row.ts";
import { sessionStore as store } from "./store.ts";

const PAGE = 500;

/** Live sessions in memory, for gauges and the health report. The rows are the truth; this follows them, commit by commit. */
export function createSessionCounts({ kernel, identity }: Areas) {
  const live = new Map<string, Pick<SessionRow, "state" | "orchestratorId">>();

  return {
    /** Called after the commit of each change. */
    note(_change: SessionChange, { id, state, orchestratorId, endedAt }: SessionRow): void {
      if (endedAt === null) live.set(id, { state, orchestratorId });
      else live.delete(id);
    },
    /** Number of live sessions by the state that is shown. */
    byState(): Partial<Record<SessionState, number>> {
      const counts: Partial<Record<SessionState, number>> = {};
      for (const { state, orchestratorId } of live.values()) {
        const shown = identity.orchestrators.isHere(orchestratorId) ? state : "away";
        counts[shown] = (counts[shown] ?? 0) + 1;
      }
      return counts;
    },
    /** Orchestrators that are not heard of, and have live sessions. */
    away(): string[] {
      const ids = new Set([...live.values()].map(({ orchestratorId }) => orchestratorId));
      return [...ids].filter((id) => !identity.orchestrators.isHere(id)).sort();
    },
    /** Called once, before anything is asked. */
    load: (): Promise<void> =>
      kernel.db.read(async (on) => {
        for (let after = 0, more = true; more; ) {
          const rows = await store.live(on, after, PAGE);
          for (const { id, state, orchestratorId } of rows) live.set(id, { state, orchestratorId });
          after = rows.at(-1)?.number ?? after;
          more = rows.length === PAGE;
        }
      }),
  };
}
