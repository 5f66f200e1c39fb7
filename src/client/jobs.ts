import * as api from "../protocol/jobs.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on cron jobs that agents run themselves. */
export const jobVerbs = ({ ask, askOnce, self }: Caller) => ({
  /** Replaces the jobs of the agent acted for. */
  put: async (items: api.JobsReport["items"], call?: Call) =>
    ask(api.putJobs, { params: { id: await self(call) }, body: { items } }, call),

  /** Reports a run of a job of the agent acted for. The same run id again updates the run. */
  report: async (jobId: string, run: api.JobRunReport, call?: Call): Promise<api.JobRun> =>
    ask(api.reportJobRun, { params: { id: await self(call), jobId }, body: run }, call),

  /** Lists those that the caller may see, by agent and id. */
  list: (query: Query<typeof api.AllJobsQuery> = {}, call?: Call) => ask(api.listAllJobs, { query }, call),

  /** Lists the jobs of one agent. */
  listOf: (agentId: string, query: Query<typeof api.JobQuery> = {}, call?: Call) =>
    ask(api.listJobs, { params: { id: agentId }, query }, call),

  /** Lists the runs of a job, the latest start first. */
  runs: (agentId: string, jobId: string, query: Query<typeof api.JobRunQuery> = {}, call?: Call) =>
    ask(api.listJobRuns, { params: { id: agentId, jobId }, query }, call),

  /** Asks the agent to run its job now. */
  run: (agentId: string, jobId: string, call?: Keyed): Promise<api.JobOrder> =>
    askOnce(api.runJob, { params: { id: agentId, jobId } }, call),

  /** Asks the agent to delete its job. */
  delete: (agentId: string, jobId: string, call?: Keyed): Promise<api.JobOrder> =>
    askOnce(api.deleteJob, { params: { id: agentId, jobId } }, call),
});
