import type { Session, SessionChange, SessionState } from "../../protocol/sessions.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { SessionRow } from "./row.ts";

/** Whether an orchestrator is heard of. */
export type IsHere = (orchestratorId: string) => boolean;

/** State as it is shown. */
export const stateOf = ({ state, orchestratorId }: SessionRow, isHere: IsHere): SessionState =>
  state === "dead" || isHere(orchestratorId) ? state : "away";

/** A session as it goes out. @param now of the clock, in ms */
export function toSession(row: SessionRow, isHere: IsHere, now: number): Session {
  const { id, agentId, orchestratorId, provider, account, nativeId, name, lane, place, cwd, home, project } = row;
  const { tags, model, reason, evidence, pid, runId, queued, usage, links, seen, fence, leaseUntil } = row;
  return {
    ...{ id, agentId, orchestratorId, provider, account, nativeId, name, lane, place, cwd },
    ...{ home: home === "" ? null : home, project, tags, model },
    ...{ state: stateOf(row, isHere), reason, evidence, limitedUntil: toTimeOrNull(row.limitedUntil) },
    ...{ pid, runId, queued, usage, links, seen },
    lease: leaseUntil === null ? null : { fence, expiresAt: toTime(leaseUntil), live: leaseUntil > now },
    startedAt: toTime(row.startedAt),
    lastEventAt: toTimeOrNull(row.lastEventAt),
    endedAt: toTimeOrNull(row.endedAt),
  };
}

/** The part of a session that watchers and webhooks hear of. */
export function toChange(row: SessionRow, isHere: IsHere): SessionChange {
  const { id, agentId, orchestratorId, provider, name, lane, place, project, reason, runId, queued } = row;
  return {
    ...{ id, agentId, orchestratorId, provider, name, lane, place, project },
    ...{ state: stateOf(row, isHere), reason, limitedUntil: toTimeOrNull(row.limitedUntil), runId, queued },
    lastEventAt: toTimeOrNull(row.lastEventAt),
  };
}
