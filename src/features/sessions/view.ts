import type { Session, SessionChange, SessionState } from "../../protocol/sessions.ts";
import { trackState } from "../../protocol/states.ts";
import type { TrackState } from "../../protocol/tracks.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { SessionRow } from "./row.ts";

/** Whether an orchestrator is heard of. */
export type IsHere = (orchestratorId: string) => boolean;

/** State as it is shown. */
export const stateOf = ({ state, orchestratorId }: SessionRow, isHere: IsHere): SessionState =>
  state === "dead" || isHere(orchestratorId) ? state : "away";

/** State as its track shows it. */
export const trackOf = (row: SessionRow, isHere: IsHere): TrackState =>
  trackState({ state: stateOf(row, isHere), waits: row.waits });

/** A session as it goes out. @param now of the clock, in ms */
export function toSession(row: SessionRow, isHere: IsHere, now: number): Session {
  const { id, agentId, orchestratorId, provider, account, nativeId, name, lane, place, cwd, home, project } = row;
  const { tags, model, reason, evidence, pid, runId, queued, waits, usage, links, seen, fence, leaseUntil } = row;
  return {
    ...{ id, agentId, orchestratorId, provider, account, nativeId, name, lane, place, cwd },
    ...{ home: home === "" ? null : home, project, tags, model },
    ...{ state: stateOf(row, isHere), reason, evidence, limitedUntil: toTimeOrNull(row.limitedUntil) },
    ...{ pid, runId, queued, waits, usage, links, seen },
    lease: leaseUntil === null ? null : { fence, expiresAt: toTime(leaseUntil), live: leaseUntil > now },
    startedAt: toTime(row.startedAt),
    since: toTime(row.since),
    lastEventAt: toTimeOrNull(row.lastEventAt),
    endedAt: toTimeOrNull(row.endedAt),
  };
}

/** The part of a session that watchers and webhooks hear of. */
export function toChange(row: SessionRow, isHere: IsHere): SessionChange {
  const { id, agentId, orchestratorId, provider, name, lane, place, project, reason, pid, runId, queued, waits } = row;
  return {
    ...{ id, agentId, orchestratorId, provider, name, lane, place, project },
    ...{ state: stateOf(row, isHere), since: toTime(row.since), reason, limitedUntil: toTimeOrNull(row.limitedUntil) },
    ...{ pid, runId, queued, waits, lastEventAt: toTimeOrNull(row.lastEventAt), endedAt: toTimeOrNull(row.endedAt) },
  };
}
