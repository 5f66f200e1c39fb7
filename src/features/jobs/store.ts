import { and, asc, desc, eq, isNull, lt, not, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { changeWhere, columns, columnsWhere, equal, everyColumn, pick, rowsWhere } from "../../kernel/db/statements.ts";
import { jobRuns, jobs } from "./tables.ts";

export type JobRow = typeof jobs.$inferSelect;
export type JobRunRow = typeof jobRuns.$inferSelect;
/** A run without its output. */
export type RunHead = Pick<JobRunRow, "id" | "status" | "startedAt" | "endedAt">;
/** Place of a job in a list. */
export interface JobKey {
  agentId: string;
  id: string;
}
export type JobStore = ReturnType<typeof createJobStore>;

const isJob = ({ agentId, id }: JobKey) => and(eq(jobs.agentId, agentId), eq(jobs.id, id));
const isRunOf = ({ agentId, id }: JobKey) => and(eq(jobRuns.agentId, agentId), eq(jobRuns.jobId, id));

const byKey = rowsWhere(jobs, equal(jobs, "agentId", "id"));
const newestRun = columnsWhere(
  pick(jobRuns, "id", "status", "startedAt", "endedAt"),
  jobRuns,
  equal(jobRuns, "agentId", "jobId"),
  { orderBy: sql`${jobRuns.startedAt} desc, ${jobRuns.id} desc`, limit: 1 },
);
const insert = statement((q) => q.insert(jobs).values(everyColumn(jobs)).prepare());
const change = changeWhere(
  jobs,
  columns("name", "schedule", "enabled", "lastRunAt", "updatedAt", "removedAt"),
  equal(jobs, "agentId", "id"),
);

/** Jobs of agents and their runs. Statements that a list of jobs repeats are prepared. */
export function createJobStore() {
  return {
    /** A job, also one that was removed. */
    byKey: async (on: ReadTx, { agentId, id }: JobKey): Promise<JobRow | undefined> => byKey(on).get({ agentId, id }),
    /** Jobs that an agent has, by id. */
    ofAgent: async (on: ReadTx, agentId: string): Promise<JobRow[]> =>
      readRows(on, jobs, and(eq(jobs.agentId, agentId), isNull(jobs.removedAt)), { orderBy: asc(jobs.id) }),
    /** Jobs of all agents, or of one, by agent and id. */
    page: async (
      on: ReadTx,
      agentId: string | undefined,
      after: JobKey | undefined,
      limit: number,
    ): Promise<JobRow[]> =>
      readRows(
        on,
        jobs,
        and(
          isNull(jobs.removedAt),
          agentId === undefined ? undefined : eq(jobs.agentId, agentId),
          after && sql`(${jobs.agentId}, ${jobs.id}) > (${after.agentId}, ${after.id})`,
        ),
        { orderBy: [asc(jobs.agentId), asc(jobs.id)], limit },
      ),
    add: async (tx: Tx, row: JobRow): Promise<void> => {
      insert(tx).run({ ...row });
    },
    change: async (tx: Tx, row: JobRow): Promise<void> => {
      change(tx).run({ ...row });
    },
    /** Removes jobs of an agent. Those with runs stay, marked, for `forgetRemoved`. */
    remove: async (tx: Tx, agentId: string, ids: readonly string[], now: number): Promise<void> => {
      const chosen = and(eq(jobs.agentId, agentId), inIds(jobs.id, ids));
      const ran = sql`exists (select 1 from ${jobRuns} r where r.agent_id = ${jobs.agentId} and r.job_id = ${jobs.id})`;
      tx.db
        .delete(jobs)
        .where(and(chosen, not(ran)))
        .run();
      tx.db.update(jobs).set({ removedAt: now }).where(chosen).run();
    },
    /** Deletes removed jobs with their runs. Answers the rows deleted. */
    async forgetRemoved(tx: Tx, before: number, limit: number): Promise<number> {
      let left = limit;
      for (const key of readRows(tx, jobs, lt(jobs.removedAt, before), { limit })) {
        if (left <= 0) break;
        const runs = deleteSome(tx, jobRuns, isRunOf(key), left);
        left -= runs;
        if (left <= 0) break;
        tx.db.delete(jobs).where(isJob(key)).run();
        left -= 1;
      }
      return limit - left;
    },

    run: async (on: ReadTx, key: JobKey, runId: string): Promise<JobRunRow | undefined> =>
      readRows(on, jobRuns, and(isRunOf(key), eq(jobRuns.id, runId)))[0],
    newestRun: async (on: ReadTx, { agentId, id }: JobKey): Promise<RunHead | undefined> =>
      newestRun(on).get({ agentId, jobId: id }),
    putRun: async (tx: Tx, row: JobRunRow): Promise<void> => {
      tx.db
        .insert(jobRuns)
        .values(row)
        .onConflictDoUpdate({ target: [jobRuns.agentId, jobRuns.jobId, jobRuns.id], set: row })
        .run();
    },
    /** Deletes all but the runs that started last. */
    keepNewest: async (tx: Tx, { agentId, id }: JobKey, kept: number): Promise<void> => {
      tx.db.run(sql`
        delete from job_runs where rowid in (
          select rowid from job_runs where agent_id = ${agentId} and job_id = ${id}
          order by started_at desc, id desc limit -1 offset ${kept})`);
    },
    /** Runs of a job, the latest start first. */
    runs: async (
      on: ReadTx,
      key: JobKey,
      before: Pick<RunHead, "startedAt" | "id"> | undefined,
      limit: number,
    ): Promise<JobRunRow[]> =>
      readRows(
        on,
        jobRuns,
        and(isRunOf(key), before && sql`(${jobRuns.startedAt}, ${jobRuns.id}) < (${before.startedAt}, ${before.id})`),
        { orderBy: [desc(jobRuns.startedAt), desc(jobRuns.id)], limit },
      ),
    /** Deletes some runs reported before a time. Answers their number. */
    forgetRuns: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, jobRuns, lt(jobRuns.reportedAt, before), limit),
  };
}
