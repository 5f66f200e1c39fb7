import type { Limit } from "../../protocol/sessions.ts";
import { toTime } from "../../protocol/wire.ts";
import type { LimitRow } from "./row.ts";

/** A limit as it goes out. */
export function toLimit(row: LimitRow): Limit {
  const { provider, account, type, evidence, utilization, rejected, probeSessionId, probeAt, reportedBy } = row;
  return {
    ...{ provider, account, type, until: toTime(row.until), evidence, utilization, rejected },
    probe: probeSessionId === null || probeAt === null ? null : { sessionId: probeSessionId, at: toTime(probeAt) },
    since: toTime(row.since),
    reportedBy,
  };
}
