import type { ParsedSession } from "../../protocol/sessions.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { SessionRow } from "./row.ts";

type NewRow = Omit<SessionRow, "number">;

const BLANK = {
  ...{ account: null, nativeId: null, name: null, place: null, cwd: null, home: "", project: null, tags: [] },
  ...{ model: null, reason: null, evidence: null, limitedUntil: null, pid: null, runId: null, queued: 0, waits: 0 },
  ...{ usage: null, links: [], seen: null, fence: 0, leaseUntil: null, leaseSeconds: 0 },
  ...{ lastEventAt: null, endedAt: null },
} satisfies Partial<NewRow>;

/** Row of a session that is new. */
export const blankSession = (id: string, orchestratorId: string, body: ParsedSession, now: number): NewRow => ({
  ...{ ...BLANK, id, orchestratorId, startedAt: now, since: now },
  ...{ agentId: body.agentId, provider: body.provider, lane: body.lane, state: body.state },
});

/** The row after a report. Members left out keep their value. A session that died holds no lease. */
export function reported<R extends NewRow>(row: R, body: ParsedSession, now: number): R {
  const { fence: _, home, limitedUntil, lastEventAt, startedAt, ...said } = body;
  const isDead = body.state === "dead";
  return {
    ...row,
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
    ...(home !== undefined && { home: home ?? "" }),
    ...(limitedUntil !== undefined && { limitedUntil: timeOf(limitedUntil) }),
    ...(lastEventAt !== undefined && { lastEventAt: timeOf(lastEventAt) }),
    ...(startedAt !== undefined && { startedAt: fromTime(startedAt) }),
    ...(isDead && { leaseUntil: null, pid: null, runId: null }),
    endedAt: isDead ? (row.endedAt ?? now) : null,
  };
}

const timeOf = (time: string | null): number | null => (time === null ? null : fromTime(time));
