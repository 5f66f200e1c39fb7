import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { AgentId } from "../../protocol/ids.ts";
import type { JobStatus } from "../../protocol/jobs.ts";

/** Cron jobs that agents tell of themselves. */
export const jobs = sqliteTable(
  "jobs",
  {
    agentId: text("agent_id").$type<AgentId>().notNull(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    schedule: text("schedule").notNull(),
    enabled: integer("enabled", { mode: "boolean" }).notNull(),
    lastRunAt: integer("last_run_at"),
    updatedAt: integer("updated_at").notNull(),
    /** When the agent left it out: the row stays until a sweep has deleted its runs. */
    removedAt: integer("removed_at"),
  },
  (t) => [
    primaryKey({ columns: [t.agentId, t.id] }),
    index("jobs_removed").on(t.removedAt).where(sql`removed_at is not null`),
  ],
);

/** Reported runs of jobs. */
export const jobRuns = sqliteTable(
  "job_runs",
  {
    agentId: text("agent_id").$type<AgentId>().notNull(),
    jobId: text("job_id").notNull(),
    id: text("id").notNull(),
    status: text("status").$type<JobStatus>().notNull(),
    startedAt: integer("started_at").notNull(),
    endedAt: integer("ended_at"),
    reportedAt: integer("reported_at").notNull(),
    opaque: integer("opaque", { mode: "boolean" }).notNull(),
    cut: integer("cut", { mode: "boolean" }).notNull(),
    /** Last, so that the other columns are read without its pages. */
    output: text("output"),
  },
  (t) => [
    primaryKey({ columns: [t.agentId, t.jobId, t.id] }),
    index("job_runs_by_start").on(t.agentId, t.jobId, t.startedAt, t.id),
    index("job_runs_by_report").on(t.reportedAt),
  ],
);
