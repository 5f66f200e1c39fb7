import { and, asc, desc, eq, isNull, lt, sql } from "drizzle-orm";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
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

/** Jobs of agents and their runs. */
export function createJobStore(db: Db) {
  // Runs for each job of a page.
  const newestRun = db.statement((q) =>
    q
      .select({ id: jobRuns.id, status: jobRuns.status, startedAt: jobRuns.startedAt, endedAt: jobRuns.endedAt })
      .from(jobRuns)
      .where(and(eq(jobRuns.agentId, bound("agentId")), eq(jobRuns.jobId, bound("jobId"))))
      .orderBy(desc(jobRuns.startedAt), desc(jobRuns.id))
      .limit(fixedLimit(1))
      .prepare(),
  );

  return {
    /** A job, also one that was removed. */
    byKey: async (on: ReadTx, key: JobKey): Promise<JobRow | undefined> =>
      on.db.select().from(jobs).where(isJob(key)).get(),
    /** Jobs that an agent has, by id. */
    ofAgent: async (on: ReadTx, agentId: string): Promise<JobRow[]> =>
      on.db
        .select()
        .from(jobs)
        .where(and(eq(jobs.agentId, agentId), isNull(jobs.removedAt)))
        .orderBy(asc(jobs.id))
        .all(),
    /** Jobs of all agents, or of one, by agent and id. */
    page: async (
      on: ReadTx,
      agentId: string | undefined,
      after: JobKey | undefined,
      limit: number,
    ): Promise<JobRow[]> =>
      on.db
        .select()
        .from(jobs)
        .where(
          and(
            isNull(jobs.removedAt),
            agentId === undefined ? undefined : eq(jobs.agentId, agentId),
            after && sql`(${jobs.agentId}, ${jobs.id}) > (${after.agentId}, ${after.id})`,
          ),
        )
        .orderBy(asc(jobs.agentId), asc(jobs.id))
        .limit(limit)
        .all(),
    put: async (tx: Tx, row: JobRow): Promise<void> => {
      tx.db
        .insert(jobs)
        .values(row)
        .onConflictDoUpdate({ target: [jobs.agentId, jobs.id], set: row })
        .run();
    },
    /** Removes a job. With runs its row stays, marked, for `forgetRemoved`. */
    remove: async (tx: Tx, key: JobKey, now: number): Promise<void> => {
      tx.db
        .delete(jobs)
        .where(
          and(
            isJob(key),
            sql`not exists (select 1 from job_runs where agent_id = ${key.agentId} and job_id = ${key.id})`,
          ),
        )
        .run();
      tx.db.update(jobs).set({ removedAt: now }).where(isJob(key)).run();
    },
    /** Deletes removed jobs with their runs. Answers the rows deleted. */
    async forgetRemoved(tx: Tx, before: number, limit: number): Promise<number> {
      let left = limit;
      for (const key of tx.db.select().from(jobs).where(lt(jobs.removedAt, before)).limit(limit).all()) {
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
      on.db
        .select()
        .from(jobRuns)
        .where(and(isRunOf(key), eq(jobRuns.id, runId)))
        .get(),
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
      on.db
        .select()
        .from(jobRuns)
        .where(
          and(isRunOf(key), before && sql`(${jobRuns.startedAt}, ${jobRuns.id}) < (${before.startedAt}, ${before.id})`),
        )
        .orderBy(desc(jobRuns.startedAt), desc(jobRuns.id))
        .limit(limit)
        .all(),
    /** Deletes some runs reported before a time. Answers their number. */
    forgetRuns: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, jobRuns, lt(jobRuns.reportedAt, before), limit),
  };
}
