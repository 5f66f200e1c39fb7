import type { ReadTx } from "../../kernel/db/database.ts";
import type { ManagedAgent } from "../../protocol/orchestrators.ts";
import { toTime } from "../../protocol/wire.ts";
import { sessionStore as store } from "./store.ts";

/** Sessions that an orchestrator's list of managed agents shows. */
const MAX_MANAGED = 500;

/** Agents that an orchestrator runs, as its live sessions say; no answer while it has never reported a session. */
export async function managedBy(on: ReadTx, orchestratorId: string): Promise<ManagedAgent[] | undefined> {
  if (!(await store.hasAny(on, orchestratorId))) return undefined;
  const live = await store.liveUnder(on, orchestratorId, MAX_MANAGED);
  return live.map(({ agentId, provider, id, pid, cwd, state, startedAt }) => ({
    ...{ agentId, provider, sessionId: id, pid, cwd, state, startedAt: toTime(startedAt) },
  }));
}
