import type { ReadTx } from "../../kernel/db/database.ts";
import type { Job, JobRun } from "../../protocol/jobs.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { JobKey, JobRow, JobRunRow, JobStore } from "./store.ts";

/** A job that the agent has. @throws Problem 404 */
export async function requireJob(on: ReadTx, store: JobStore, key: JobKey): Promise<JobRow> {
  const row = await store.byKey(on, key);
  if (row?.removedAt === null) return row;
  const { agentId, id } = key;
  throw new Problem("not-found", `${agentId} has no job ${id}. GET /v1/agents/${agentId}/jobs lists its jobs.`);
}

/** A job with its latest run. */
export async function toJob(on: ReadTx, store: JobStore, { removedAt: _, ...row }: JobRow): Promise<Job> {
  const last = await store.newestRun(on, row);
  return {
    ...row,
    lastRunAt: toTimeOrNull(row.lastRunAt),
    lastRun: last ? { ...last, startedAt: toTime(last.startedAt), endedAt: toTimeOrNull(last.endedAt) } : null,
    updatedAt: toTime(row.updatedAt),
  };
}

export function toJobRun({ id, status, output, opaque, cut, ...row }: JobRunRow): JobRun {
  return {
    ...{ id, status, output, outputCut: cut, encoding: opaque ? "opaque" : "plain" },
    startedAt: toTime(row.startedAt),
    endedAt: toTimeOrNull(row.endedAt),
    reportedAt: toTime(row.reportedAt),
  };
}
