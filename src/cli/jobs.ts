import { type Client, everyItem } from "../client/client.ts";
import type { Job, JobOrder, JobRun } from "../protocol/jobs.ts";
import type { CliCommand } from "./commands.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { ENCRYPTED, fieldsText, timeText } from "./show.ts";

const GROUP = "Agents and tokens:";

/** Cron jobs that agents run themselves. */
export function addJobCommands(program: CliCommand): void {
  const jobs = program
    .sub("jobs", "List the cron jobs that agents run themselves; show, run or delete one", GROUP)
    .argument("[agent]", "of this agent (default: of all agents)")
    .example("jobs", "jobs builder", "jobs show builder nightly", "jobs run builder nightly")
    .act(async ({ client, out }, agent: string | undefined) => {
      const items = await Array.fromAsync(everyItem((page) => client.jobs.list({ agent, limit: 500, page })));
      await out.show({ items, nextPage: null }, () => listText(items, out));
    });
  jobs
    .sub("show", "Show a job with its last runs")
    .argument("<agent>", "the agent")
    .argument("<job>", "the job's id")
    .option("--outputs", "with the outputs of the runs")
    .example("jobs show builder nightly --outputs")
    .act(async ({ client, out }, agent: string, id: string, { outputs = false }: { outputs?: boolean }) => {
      // The first answer also says that there is such a job.
      const runs = (await client.jobs.runs(agent, id, { limit: 20 })).items;
      const items = await Array.fromAsync(everyItem((page) => client.jobs.listOf(agent, { limit: 500, page })));
      const job = items.find((one) => one.id === id);
      await out.show({ ...job, runs }, () => detailText({ job, runs, outputs }, out));
    });
  addOrder(jobs, "run", "Ask the agent to run a job now", (client) => client.jobs.run);
  addOrder(jobs, "delete", "Ask the agent to delete a job", (client) => client.jobs.delete).alias("rm");
}

function addOrder(
  jobs: CliCommand,
  name: "run" | "delete",
  description: string,
  verbOf: (client: Client) => (agent: string, id: string, call: { idempotencyKey?: string }) => Promise<JobOrder>,
): CliCommand {
  return jobs
    .sub(name, description)
    .argument("<agent>", "the agent")
    .argument("<job>", "the job's id")
    .option("--key <key>", "idempotency key: the same key asks once")
    .example(`jobs ${name} builder nightly`)
    .act(async ({ client, out }, agent: string, id: string, { key }: { key?: string }) => {
      const order = await verbOf(client)(agent, id, { ...(key !== undefined && { idempotencyKey: key }) });
      await out.show(
        order,
        () => `${safeLine(agent)} was asked to ${name} ${safeLine(id)}, by message #${order.messageId}`,
      );
    });
}

function listText(items: Job[], out: Output): string {
  if (items.length === 0) return "There are no jobs";
  const rows = items.map((job) => [
    ...[job.agentId, job.id, job.name, job.schedule, job.enabled ? "yes" : "no"],
    ...[timeText(job.lastRunAt), job.lastRun?.status ?? ""],
  ]);
  return out.table(["AGENT", "JOB", "NAME", "SCHEDULE", "ENABLED", "LAST RUN", "RESULT"], rows);
}

function detailText({ job, runs, outputs }: { job: Job | undefined; runs: JobRun[]; outputs: boolean }, out: Output) {
  const { lastRun: _, ...fields } = job ?? { lastRun: null };
  const rows = runs.map((run) => [run.id, run.status, timeText(run.startedAt), timeText(run.endedAt)]);
  const table = runs.length > 0 ? ["", out.table(["RUN", "STATUS", "STARTED", "ENDED"], rows)] : [];
  const texts = outputs ? runs.flatMap((run) => outputText(run, out)) : [];
  return [fieldsText(fields, out), ...table, ...texts].join("\n");
}

const outputText = ({ id, output, encoding }: JobRun, { paint }: Output): string[] =>
  output === null
    ? []
    : ["", paint("bold", `Output of ${safeLine(id)}`), encoding === "opaque" ? ENCRYPTED : safeText(output)];
