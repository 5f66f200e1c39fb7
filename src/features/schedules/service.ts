import type { Areas } from "../../core/core.ts";
import { requirePlain } from "../../core/messages/reserved.ts";
import type { ScheduledRow } from "../../core/messages/row.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import { actingAs, type Caller, isPerson } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type {
  Fire,
  FireDetail,
  ParsedScheduleDraft,
  ParsedSchedulePatch,
  ParsedTimesQuery,
  Schedule,
  TimesList,
} from "../../protocol/schedules.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { changedRow, newRow } from "./drafts.ts";
import { draftOf, FIRE, type Fires } from "./fires.ts";
import { forgottenFire } from "./forgotten.ts";
import type { Outcomes } from "./outcomes.ts";
import { type Plans, underMessage } from "./plans.ts";
import { toFire, toPlanned, toSchedule } from "./schedule.ts";
import { MAX_OF_AGENT, type ScheduleRow, scheduleStore as store } from "./store.ts";
import { nextTimes } from "./times.ts";

/** Schedules of all agents that have not ended. */
const MAX_ALL = 10_000;

interface Parts {
  fires: Fires;
  plans: Plans;
  outcomes: Outcomes;
}

export type ScheduleService = ReturnType<typeof createScheduleService>;

/** Verbs of schedules. A message with a `deliverAt` is shown as a schedule of one time. */
export function createScheduleService({ kernel, identity, core }: Areas, { fires, plans, outcomes }: Parts) {
  const { clock, due, idempotency } = kernel;
  const { activity, agents } = identity;
  const { messages } = core;

  async function erase(tx: Tx, id: string): Promise<void> {
    await store.remove(tx, id);
    await due.cancel(tx, FIRE, id);
  }

  /** Finds a schedule or planned message that the caller may read. @throws Problem 403, 404, 409 */
  async function find(on: ReadTx, caller: Caller, id: string): Promise<Found> {
    const reader = await agents.requireReader(on, caller);
    const row = await store.byId(on, id);
    const message = row ? undefined : await messages.delayed.rows.byId(on, id);
    const owner = row?.agentId ?? message?.fromId ?? Problem.missing("schedule", id);
    if (reader !== null && owner !== reader) throw new Problem("forbidden", `Schedule ${id} is not ${reader}'s.`);
    return { row, message };
  }

  /** As `find`, for callers that may change it: a member only those of `user`. @throws Problem 403, 404, 409 */
  async function findOwn(on: ReadTx, caller: Caller, id: string): Promise<Found> {
    const by = actingAs(caller);
    const found = await find(on, caller, id);
    const owner = found.row?.agentId ?? found.message?.fromId;
    if (caller.role === "member" && owner !== by) throw new Problem("forbidden", `Schedule ${id} is not ${by}'s.`);
    return found;
  }

  /** @throws Problem 422 when the message could not be sent now */
  async function check(on: ReadTx, row: ScheduleRow, kind: ActorKind): Promise<void> {
    const draft = draftOf(row, { scheduledAt: clock.now(), missed: 0 }, clock.now());
    await underMessage(async () => {
      requirePlain(row.message);
      const author = { id: row.agentId, kind, via: row.via, person: row.person };
      await messages.address(on, author, draft);
    });
  }

  async function make(tx: Tx, caller: Caller, agentId: string, draft: ParsedScheduleDraft): Promise<ScheduleRow> {
    const { kind } = await agents.requireActor(tx, caller, agentId);
    await agents.requireToken(tx, caller);
    if (
      (await store.countLive(tx, agentId, MAX_OF_AGENT)) >= MAX_OF_AGENT ||
      (await store.countLive(tx, undefined, MAX_ALL)) >= MAX_ALL
    )
      throw new Problem("conflict", `There may be ${MAX_OF_AGENT} schedules of one agent, and ${MAX_ALL} in all.`);
    const row = newRow(draft, caller, agentId, clock.now());
    await check(tx, row, kind);
    await store.add(tx, row);
    await plan(tx, row);
    await activity.record(tx, caller, "schedule.created", row.id, { agentId, to: row.target, cron: row.cron });
    return row;
  }

  async function plan(tx: Tx, row: ScheduleRow): Promise<void> {
    if (row.nextAt === null) await due.cancel(tx, FIRE, row.id);
    else {
      await due.schedule(tx, FIRE, row.id, row.nextAt);
      await messages.planned.raise(tx, row.message.payload, row.nextAt);
    }
  }

  const detailed = async (on: ReadTx, fire: Fire): Promise<FireDetail> => ({
    ...fire,
    message: fire.messageId === null ? null : await outcomes.of(on, fire.messageId),
    run: (fire.messageId !== null && (await fires.runsOf.first(on, fire.messageId))?.newest) || null,
  });

  async function shown(on: ReadTx, row: ScheduleRow): Promise<Schedule> {
    const [last] = await store.fires(on, row.id, undefined, 1);
    return toSchedule(row, last);
  }

  async function change(tx: Tx, caller: Caller, row: ScheduleRow, patch: ParsedSchedulePatch): Promise<ScheduleRow> {
    const changed = changedRow(row, patch, caller, clock.now());
    const { kind } = await agents.requireActor(tx, caller, row.agentId);
    await agents.requireToken(tx, caller);
    if (patch.message !== undefined) await underMessage(async () => requirePlain(changed.message));
    if (changed.enabled) await check(tx, changed, kind);
    await store.change(tx, row, changed);
    await plan(tx, changed);
    return changed;
  }

  return {
    /** `POST /v1/schedules`. @throws Problem 403, 409, 422 */
    async create(tx: Tx, caller: Caller, draft: ParsedScheduleDraft, idempotencyKey: string | undefined) {
      const { agentId: named, ...asked } = draft;
      const agentId = actingAs(caller, named);
      return idempotency.once<Schedule>(tx, {
        ...{ sender: agentId, key: idempotencyKey, operation: "createSchedule", asked },
        async make() {
          const row = await make(tx, caller, agentId, draft);
          return { subject: row.id, made: await shown(tx, row) };
        },
        async again(id) {
          const row = await store.byId(tx, id);
          return row && shown(tx, row);
        },
      });
    },

    /** `GET /v1/schedules`, newest first. Of messages with a `deliverAt` those that were not sent. */
    async list(
      on: ReadTx,
      caller: Caller,
      { agentId, ...query }: PageQuery<string> & { agentId?: string | undefined },
    ): Promise<List<Schedule>> {
      const reader = await agents.requireReader(on, caller);
      if (reader !== null && agentId !== undefined) actingAs(caller, agentId);
      const owner = reader ?? agentId;
      /** Rows of both kinds together, by their ids. */
      const read = async (count: number, before: string | undefined) => {
        const rows = await store.page(on, owner, before, count);
        const unsent = await messages.delayed.rows.unsent(on, owner, before, count);
        const found = [
          ...rows.map((row) => ({ id: row.id, row })),
          ...unsent.map((message) => ({ id: message.id, message })),
        ];
        return found.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, count);
      };
      return readList(
        query,
        read,
        (one) => ("row" in one ? shown(on, one.row) : toPlanned(one.message)),
        ({ id }) => id,
      );
    },

    /** `GET /v1/schedules/times`. @throws Problem 403, 422 */
    async times(on: ReadTx, caller: Caller, { cron, timezone, count }: ParsedTimesQuery): Promise<TimesList> {
      await agents.requireReader(on, caller);
      return { items: nextTimes({ at: null, cron, timezone }, clock.now(), count).map(toTime) };
    },

    /** `GET /v1/schedules/{id}`. @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Schedule> {
      const { row, message } = await find(on, caller, id);
      return row ? shown(on, row) : toPlanned(message as ScheduledRow);
    },

    /** `PATCH /v1/schedules/{id}`. @throws Problem 403, 404, 409, 422 */
    async patch(tx: Tx, caller: Caller, id: string, patch: ParsedSchedulePatch): Promise<Schedule> {
      const { row, message } = await findOwn(tx, caller, id);
      const changed = row
        ? await shown(tx, await change(tx, caller, row, patch))
        : toPlanned(await plans.resume(tx, caller, message as ScheduledRow, patch));
      await activity.record(tx, caller, "schedule.changed", id, { fields: Object.keys(patch) });
      return changed;
    },

    /** `DELETE /v1/schedules/{id}`: nothing more is sent. @throws Problem 403, 404, 409 */
    async remove(tx: Tx, caller: Caller, id: string): Promise<void> {
      const { row, message } = await findOwn(tx, caller, id);
      if (message) await messages.waiting.cancel(tx, message);
      else await erase(tx, id);
      const agentId = row?.agentId ?? message?.fromId;
      await activity.record(tx, caller, "schedule.deleted", id, { agentId });
    },

    /** `POST /v1/schedules/{id}/run`: sends it now, paused or not. @throws Problem 403, 404, 409, 422, 429 */
    async run(tx: Tx, caller: Caller, id: string, idempotencyKey: string | undefined) {
      const by = actingAs(caller);
      return idempotency.once<FireDetail>(tx, {
        ...{ sender: by, key: idempotencyKey, operation: "runSchedule", asked: id },
        async make() {
          const { row } = await findOwn(tx, caller, id);
          if (!row) throw new Problem("conflict", "A message with a deliverAt can be cancelled, not run.");
          const { fire, sent } = await fires.runNow(tx, row, { by, person: caller.personId, isRoot: isPerson(caller) });
          await activity.record(tx, caller, "schedule.run", id, { n: fire.n, messageId: fire.messageId });
          return { subject: `${id}/${fire.n}/${sent}`, made: await detailed(tx, toFire(fire)) };
        },
        async again(subject) {
          const [, n, sent = ""] = subject.split("/");
          const run = { scheduleId: id, n: Number(n), by, sent };
          const fire = (await store.fire(tx, id, run.n)) ?? (await forgottenFire(tx, messages, run));
          return fire && detailed(tx, toFire(fire));
        },
      });
    },

    /** `GET /v1/schedules/{id}/fires`, newest first. @throws Problem 403, 404, 409 */
    async fires(on: ReadTx, caller: Caller, id: string, query: PageQuery<number>): Promise<List<FireDetail>> {
      const { row, message } = await find(on, caller, id);
      const last = message && query.page === undefined ? toPlanned(message).lastFire : null;
      if (!row) return { items: last ? [await detailed(on, last)] : [], nextPage: null };
      const { items, nextPage } = await readList(
        query,
        (count, before) => store.fires(on, id, before, count),
        toFire,
        ({ n }) => n,
      );
      const details: FireDetail[] = [];
      for (const fire of items) details.push(await detailed(on, fire));
      return { items: details, nextPage };
    },
  };
}

type ActorKind = Awaited<ReturnType<AgentService["requireActor"]>>["kind"];

/** A schedule or a planned message: one of the two is there. */
interface Found {
  row: ScheduleRow | undefined;
  message: ScheduledRow | undefined;
}
