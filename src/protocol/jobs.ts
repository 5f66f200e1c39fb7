import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath } from "./agents.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { distinct } from "./distinct.ts";
import { JOB_OUTPUT_BYTES, MAX_JOB_RUNS } from "./limits.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import {
  Bool,
  Encoding,
  EncodingInput,
  line,
  listOf,
  PageQuery,
  Str,
  StrOrNull,
  Time,
  TimeInput,
  TimeOrNull,
  text,
} from "./wire.ts";

const MAX_JOBS = 200;

export const JobId = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:~@+-]*$/, "has to be a job's id: letters, digits, and . _ : ~ @ + - after the first")
  .describe("[A-Za-z0-9][A-Za-z0-9._:~@+-]*; the agent chooses it.");

/** One cron job, as its agent tells it. */
export const JobReport = strictObject(() => ({
  id: JobId,
  name: line(256),
  schedule: line(256).describe("In the agent's own notation: 0 9 * * 1-5, every 30 minutes."),
  enabled: z.boolean().default(true),
  lastRunAt: TimeInput.nullish().describe("Latest start that the agent knows. Reported runs move it forward too."),
}));

/** `PUT /v1/agents/{id}/jobs`. */
export const JobsReport = strictObject(() => ({ items: z.array(JobReport).max(MAX_JOBS) }))
  .superRefine(({ items }, ctx) => distinct(items, ctx))
  .register(NAMED, { id: "JobsReport" });
export type JobsReport = z.input<typeof JobsReport>;
export type ParsedJobsReport = z.output<typeof JobsReport>;

const JobStatus = z.enum(["running", "ok", "error", "skipped"]);
export type JobStatus = z.infer<typeof JobStatus>;

/** `POST /v1/agents/{id}/jobs/{jobId}/runs`. */
export const JobRunReport = strictObject(() => ({
  id: line(128).describe("The agent chooses it. A later report with the same id updates the run."),
  status: JobStatus,
  output: text(1024 * 1024)
    .optional()
    .describe(`Whole output so far; kept when left out. Beyond ${JOB_OUTPUT_BYTES} bytes its middle is cut.`),
  encoding: EncodingInput,
  startedAt: TimeInput,
  endedAt: TimeInput.optional().describe("Time of the first report of an end when left out."),
}))
  .superRefine(({ status, startedAt, endedAt, encoding, output }, ctx) => {
    const refuse = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message });
    if (endedAt !== undefined && status === "running") refuse("endedAt", "is given for a run that is still running");
    else if (endedAt !== undefined && Date.parse(endedAt) < Date.parse(startedAt))
      refuse("endedAt", "is before startedAt");
    if (encoding === "opaque" && output !== undefined && output.length > JOB_OUTPUT_BYTES)
      refuse("output", `is longer than ${JOB_OUTPUT_BYTES} bytes, and the relay cannot cut what is encrypted`);
  })
  .register(NAMED, { id: "JobRunReport" });
export type JobRunReport = z.input<typeof JobRunReport>;
export type ParsedJobRunReport = z.output<typeof JobRunReport>;

export const JobRun = named("JobRun", "One run of an agent's job, as the agent reported it.", () => ({
  id: Str,
  status: JobStatus,
  output: StrOrNull,
  outputCut: Bool.describe("True when the middle of the output was cut; the output says so in that place."),
  encoding: Encoding,
  startedAt: Time,
  endedAt: TimeOrNull,
  reportedAt: Time,
}));
export type JobRun = z.infer<typeof JobRun>;

export const Job = named("Job", "A cron job that an agent runs itself.", () => ({
  agentId: Str,
  id: Str,
  name: Str,
  schedule: Str,
  enabled: Bool,
  lastRunAt: TimeOrNull,
  lastRun: object(() => ({ id: Str, status: JobStatus, startedAt: Time, endedAt: TimeOrNull }))
    .nullable()
    .describe("The reported run that started last."),
  updatedAt: Time.describe("When the agent last told something different of it."),
}));
export type Job = z.infer<typeof Job>;

/** A run or a deletion that the agent was asked for. */
export const JobOrder = named("JobOrder", "A run or a deletion of a job that its agent was asked for.", () => ({
  agentId: Str,
  jobId: Str,
  do: z.enum(["run", "delete"]),
  messageId: z.int().describe("The control message to the agent: explain tells how far it came."),
  createdAt: Time,
}));
export type JobOrder = z.infer<typeof JobOrder>;

export const JobQuery = strictObject(() => ({
  ...PageQuery,
  page: z
    .string()
    .max(257)
    .regex(/^[^/]+\/[^/]+$/, "has to be the nextPage of an earlier answer")
    .optional(),
}));
export const AllJobsQuery = strictObject(() => ({
  agent: AgentId.optional().describe("Jobs of this agent alone."),
  ...JobQuery.shape,
}));
export const JobList = listOf(Job).register(NAMED, { id: "JobList" });
export const JobRunQuery = strictObject(() => ({
  ...PageQuery,
  page: z
    .string()
    .max(256)
    .regex(/^-?\d{1,15}\.[\s\S]+$/, "has to be the nextPage of an earlier answer")
    .refine((page) => page.isWellFormed(), "is not well-formed Unicode")
    .optional(),
}));
export const JobRunList = listOf(JobRun).register(NAMED, { id: "JobRunList" });

const JobPath = strictObject(() => ({ id: AgentId, jobId: JobId }));
const contract = contracts("Jobs");
const REFUSALS = ["forbidden", "not-found", "gone", "superseded", "unknown-instance"] as const;

export const putJobs = contract("putJobs", "PUT /v1/agents/{id}/jobs", {
  summary: "Set the jobs of an agent",
  description:
    "The list takes the place of the agent's former one, and of no other agent's. A job that is left out goes with its runs; " +
    "put again within a day, it has them again.",
  params: AgentPath,
  body: JobsReport,
  example: { items: [{ id: "nightly", name: "Nightly report", schedule: "0 3 * * *", enabled: true }] },
  repeatable: true,
  answers: { 200: { description: "All jobs of the agent, by id.", schema: JobList } },
  problems: REFUSALS,
});

export const listAllJobs = contract("listAllJobs", "GET /v1/jobs", {
  ...paged(AllJobsQuery, JobList, "A page, by agent and id."),
  summary: "List the jobs of all agents",
  description: "An agent sees its own.",
  problems: ["forbidden", "superseded", "unknown-instance"],
});

export const listJobs = contract("listJobs", "GET /v1/agents/{id}/jobs", {
  ...at(AgentPath, JobList, "A page, by id."),
  summary: "List the jobs of an agent",
  query: JobQuery,
  problems: REFUSALS,
});

export const reportJobRun = contract("reportJobRun", "POST /v1/agents/{id}/jobs/{jobId}/runs", {
  summary: "Report a run of a job",
  description:
    "The run's id makes a later report an update of the same run. After an end a report of `running` changes nothing: it " +
    `came late. The newest ${MAX_JOB_RUNS} runs of a job are kept.`,
  params: JobPath,
  body: JobRunReport,
  example: { id: "run-1", status: "ok", output: "3 reports sent", startedAt: "2026-05-04T03:00:00Z" },
  repeatable: true,
  answers: made(JobRun, "New.", "Was there before, and is now so."),
  problems: [...REFUSALS, "storage-unavailable"],
});

export const listJobRuns = contract("listJobRuns", "GET /v1/agents/{id}/jobs/{jobId}/runs", {
  ...at(JobPath, JobRunList, "A page, the latest start first."),
  summary: "List the runs of a job",
  query: JobRunQuery,
  problems: REFUSALS,
});

const ordered = {
  params: JobPath,
  idempotent: true,
  answers: made(JobOrder, "The agent was told, by an urgent control message.", "Told before with this key."),
  problems: ["forbidden", "not-found", "gone", "idempotency-mismatch"] as const,
};

export const runJob = contract("runJob", "POST /v1/agents/{id}/jobs/{jobId}/run", {
  ...ordered,
  summary: "Ask an agent to run a job now",
  description:
    "The message carries `payload.job { id, do: run }` and waits in the agent's inbox until the agent reads it. The agent " +
    "reports the run as it reports its others.",
});

export const deleteJob = contract("deleteJob", "POST /v1/agents/{id}/jobs/{jobId}/delete", {
  ...ordered,
  summary: "Ask an agent to delete a job",
  description:
    "The message carries `payload.job { id, do: delete }`. The job is gone here when the agent puts its jobs without it.",
});
