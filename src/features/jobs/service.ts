import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { actingAs, type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { Job, JobOrder, JobRun } from "../../protocol/jobs.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { requireJob, toJob, toJobRun } from "./job.ts";
import type { JobKey, JobRow, JobStore } from "./store.ts";

const SYSTEM = { id: "system", kind: "system", via: null } as const;
/** Topic of the control messages about jobs. */
const TOPIC = "jobs";

export type JobService = ReturnType<typeof createJobService>;

/** Reading jobs, and asking their agents to run or delete them. */
export function createJobService({ kernel, identity, core }: Areas, store: JobStore) {
  const { idempotency } = kernel;
  const { activity, agents } = identity;
  const { messages } = core;

  const listOf = (on: ReadTx, agentId: string | undefined, query: PageQuery<string>): Promise<List<Job>> =>
    readList(
      query,
      (count, after) => store.page(on, agentId, after === undefined ? undefined : keyIn(after), count),
      (row) => toJob(on, store, row),
      ({ agentId, id }) => `${agentId}/${id}`,
    );

  /** @throws Problem 403, 404, 409, 410 */
  async function requireReadable(on: ReadTx, caller: Caller, agentId: string): Promise<void> {
    if (readsAll(caller)) await agents.requireRow(on, agentId);
    else await agents.requireSpokenFor(on, caller, agentId);
  }

  /** Sends the control message. */
  async function tellAgent(tx: Tx, { agentId, id, name }: JobRow, what: JobOrder["do"]): Promise<MessageRow> {
    const sent = await messages.post(tx, SYSTEM, {
      ...{ to: agentId, kind: "control", topic: TOPIC, urgent: true },
      subject: `${what === "run" ? "Run" : "Delete"} job ${id}`,
      body: `The operator asks you to ${what} your job ${name} (${id}).`,
      payload: { job: { id, do: what } },
    });
    const row = sent && (await messages.rows.byId(tx, sent.entry.id));
    if (!row) throw new Error(`the control message to ${agentId} was not stored`);
    return row;
  }

  return {
    /** `GET /v1/jobs`: all that the caller may see. @throws Problem 403, 409 */
    async listAll(on: ReadTx, caller: Caller, query: PageQuery<string> & { agent?: string | undefined }) {
      const reader = await agents.requireReader(on, caller);
      if (reader !== null && query.agent !== undefined) actingAs(caller, query.agent);
      return listOf(on, reader ?? query.agent, query);
    },

    /** `GET /v1/agents/{id}/jobs`. @throws Problem 403, 404, 409, 410 */
    async list(on: ReadTx, caller: Caller, agentId: string, query: PageQuery<string>): Promise<List<Job>> {
      await requireReadable(on, caller, agentId);
      return listOf(on, agentId, query);
    },

    /** `GET /v1/agents/{id}/jobs/{jobId}/runs`, the latest start first. @throws Problem 403, 404, 409, 410 */
    async runs(on: ReadTx, caller: Caller, key: JobKey, query: PageQuery<string>): Promise<List<JobRun>> {
      await requireReadable(on, caller, key.agentId);
      await requireJob(on, store, key);
      return readList(
        query,
        (count, before) => store.runs(on, key, before === undefined ? undefined : runIn(before), count),
        toJobRun,
        ({ startedAt, id }) => `${startedAt}.${id}`,
      );
    },

    /** `POST .../run` and `/delete`: tells the agent, in this write, once for each key. @throws Problem 403, 404, 410, 422 */
    async order(tx: Tx, caller: Caller, key: JobKey, what: JobOrder["do"], idempotencyKey: string | undefined) {
      requireOperator(caller);
      const orderOf = ({ id, createdAt }: MessageRow): JobOrder => ({
        ...{ agentId: key.agentId, jobId: key.id, do: what, messageId: id },
        createdAt: toTime(createdAt),
      });
      return idempotency.once<JobOrder>(tx, {
        ...{ sender: actingAs(caller), key: idempotencyKey, operation: `job.${what}`, asked: [key.agentId, key.id] },
        async make() {
          await agents.requireRow(tx, key.agentId);
          const row = await tellAgent(tx, await requireJob(tx, store, key), what);
          await activity.record(tx, caller, `job.${what}`, key.agentId, { jobId: key.id, messageId: row.id });
          return { subject: String(row.id), made: orderOf(row) };
        },
        async again(subject) {
          const row = await messages.rows.byId(tx, Number(subject));
          return row && orderOf(row);
        },
      });
    },
  };
}

function keyIn(page: string): JobKey {
  const [agentId = "", id = ""] = page.split("/");
  return { agentId, id };
}

function runIn(page: string): { startedAt: number; id: string } {
  const dot = page.indexOf(".");
  return { startedAt: Number(page.slice(0, dot)), id: page.slice(dot + 1) };
}
