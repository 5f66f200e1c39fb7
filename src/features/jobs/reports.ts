import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Job, ParsedJobRunReport, ParsedJobsReport } from "../../protocol/jobs.ts";
import { MAX_JOB_RUNS } from "../../protocol/limits.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime, type List } from "../../protocol/wire.ts";
import { requireJob, toJob, toJobRun } from "./job.ts";
import { cutOutput } from "./output.ts";
import type { JobKey, JobRow, JobRunRow, JobStore } from "./store.ts";

export type JobReports = ReturnType<typeof createJobReports>;

/** Reports of agents about their own jobs. */
export function createJobReports({ kernel, identity }: Areas, store: JobStore) {
  const { clock, disk } = kernel;
  const { activity, agents } = identity;

  /** @throws Problem 403, 404, 409, 410 */
  async function requireOwner(tx: Tx, caller: Caller, id: string): Promise<string> {
    const { id: agentId, kind } = await agents.requireSpokenFor(tx, caller, id);
    if (kind === "user" || kind === "system") throw new Problem("forbidden", `${id} is no agent that runs jobs.`);
    return agentId;
  }

  /** Stores what the agent tells of one job. Answers whether it is new or different. */
  async function tell(tx: Tx, agentId: string, told: ParsedJobsReport["items"][number]): Promise<boolean> {
    const { id, name, schedule, enabled } = told;
    const before = await store.byKey(tx, { agentId, id });
    const lastRunAt = latest(before?.lastRunAt, told.lastRunAt == null ? null : fromTime(told.lastRunAt));
    const row: JobRow = {
      ...{ agentId, id, name, schedule, enabled, lastRunAt, removedAt: null },
      updatedAt: before?.updatedAt ?? clock.now(),
    };
    if (before && Bun.deepEquals(before, row)) return false;
    if (before) await store.change(tx, { ...row, updatedAt: clock.now() });
    else await store.add(tx, row);
    return true;
  }

  return {
    /**
     * `PUT /v1/agents/{id}/jobs`: takes the place of the agent's former list. The same list again changes nothing.
     * @throws Problem 403, 404, 409, 410
     */
    async put(tx: Tx, caller: Caller, id: string, { items }: ParsedJobsReport): Promise<List<Job>> {
      const agentId = await requireOwner(tx, caller, id);
      const told = new Set(items.map((item) => item.id));
      const left = (await store.ofAgent(tx, agentId)).map((job) => job.id).filter((known) => !told.has(known));
      await store.remove(tx, agentId, left, clock.now());
      let changes = left.length;
      const pause = createPauses();
      for (const item of items) {
        await pause();
        if (await tell(tx, agentId, item)) changes++;
      }
      if (caller.role === "operator" && changes > 0)
        await activity.record(tx, caller, "jobs.changed", agentId, { jobs: items.length });
      const jobs: Job[] = [];
      for (const row of await store.ofAgent(tx, agentId)) jobs.push(await toJob(tx, store, row));
      return { items: jobs, nextPage: null };
    },

    /** `POST /v1/agents/{id}/jobs/{jobId}/runs`. @throws Problem 403, 404, 409, 410, 503 */
    async report(tx: Tx, caller: Caller, { id, jobId }: { id: string; jobId: string }, body: ParsedJobRunReport) {
      const agentId = await requireOwner(tx, caller, id);
      const key: JobKey = { agentId, id: jobId };
      const job = await requireJob(tx, store, key);
      const before = await store.run(tx, key, body.id);
      const isLate = before !== undefined && before.status !== "running" && body.status === "running";
      if (isLate) return { row: toJobRun(before), created: false };
      disk.checkRoom(body.output?.length ?? 0, "outputs of jobs");
      const row = runOf(key, body, before, clock.now());
      await store.putRun(tx, row);
      await store.keepNewest(tx, key, MAX_JOB_RUNS);
      const lastRunAt = latest(job.lastRunAt, row.startedAt);
      if (lastRunAt !== job.lastRunAt) await store.change(tx, { ...job, lastRunAt });
      if (caller.role === "operator" && !before)
        await activity.record(tx, caller, "job.reported", agentId, { jobId, runId: row.id });
      return { row: toJobRun(row), created: !before };
    },
  };
}

/** The run after a report. Members left out keep their value. */
function runOf(
  { agentId, id: jobId }: JobKey,
  body: ParsedJobRunReport,
  before: JobRunRow | undefined,
  now: number,
): JobRunRow {
  const { id, status, output, encoding } = body;
  const startedAt = fromTime(body.startedAt);
  const ended = body.endedAt === undefined ? (before?.endedAt ?? Math.max(now, startedAt)) : fromTime(body.endedAt);
  const kept = { output: before?.output ?? null, cut: before?.cut ?? false, opaque: before?.opaque ?? false };
  const told = output === undefined ? kept : { ...cutOutput(output), opaque: encoding === "opaque" };
  const endedAt = status === "running" ? null : ended;
  return { agentId, jobId, id, status, startedAt, endedAt, reportedAt: now, ...told };
}

const latest = (...times: (number | null | undefined)[]): number | null => {
  const known = times.filter((time) => time != null);
  return known.length > 0 ? Math.max(...known) : null;
};
