import { and, desc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { scheduleFires, schedules } from "./tables.ts";

export type ScheduleRow = typeof schedules.$inferSelect;
export type FireRow = typeof scheduleFires.$inferSelect;

/** Schedules of one agent that have not ended. */
export const MAX_OF_AGENT = 100;

export const scheduleStore = {
  add: async (tx: Tx, row: ScheduleRow): Promise<void> => {
    tx.db.insert(schedules).values(row).run();
  },
  byId: async (on: ReadTx, id: string): Promise<ScheduleRow | undefined> =>
    on.db.select().from(schedules).where(eq(schedules.id, id)).get(),
  async change(tx: Tx, row: ScheduleRow, changes: Partial<ScheduleRow>): Promise<ScheduleRow> {
    tx.db.update(schedules).set(changes).where(eq(schedules.id, row.id)).run();
    return { ...row, ...changes };
  },
  async remove(tx: Tx, id: string): Promise<void> {
    tx.db.delete(scheduleFires).where(eq(scheduleFires.scheduleId, id)).run();
    tx.db.delete(schedules).where(eq(schedules.id, id)).run();
  },
  /** Number of schedules that have not ended, counted up to a limit; of one agent or of all. */
  async countLive(on: ReadTx, agentId: string | undefined, limit: number): Promise<number> {
    const own = agentId === undefined ? undefined : eq(schedules.agentId, agentId);
    return readValues(on, schedules.id, and(isNull(schedules.endedAt), own), { limit }).length;
  },
  liveOf: async (on: ReadTx, agentId: string, limit: number): Promise<ScheduleRow[]> =>
    readRows(on, schedules, and(isNull(schedules.endedAt), eq(schedules.agentId, agentId)), { limit }),
  async removeAllOf(tx: Tx, agentId: string): Promise<void> {
    tx.db.run(sql`
      delete from schedule_fires where schedule_id in (select id from schedules where agent_id = ${agentId})`);
    tx.db.delete(schedules).where(eq(schedules.agentId, agentId)).run();
  },
  madeBy: async (on: ReadTx, tokenId: string): Promise<ScheduleRow[]> =>
    on.db.select().from(schedules).where(eq(schedules.tokenId, tokenId)).all(),
  /** Newest first. */
  page: async (
    on: ReadTx,
    agentId: AgentId | undefined,
    before: string | undefined,
    limit: number,
  ): Promise<ScheduleRow[]> =>
    readRows(
      on,
      schedules,
      and(
        agentId === undefined ? undefined : eq(schedules.agentId, agentId),
        before === undefined ? undefined : lt(schedules.id, before),
      ),
      { orderBy: desc(schedules.id), limit },
    ),
  /** The enabled ones whose messages go to a target. */
  enabledTo: async (on: ReadTx, target: string, limit: number): Promise<ScheduleRow[]> =>
    readRows(on, schedules, and(eq(schedules.target, target), sql`enabled = 1`), { limit }),

  /** Enabled cron schedules that were made or changed after a time: the clock was ahead. */
  plannedAfter: async (on: ReadTx, time: number): Promise<ScheduleRow[]> =>
    readRows(on, schedules, and(sql`enabled = 1 and cron is not null`, gt(schedules.updatedAt, time))),
  /** The last fire at a time of its own, not by hand. */
  lastTimed: async (on: ReadTx, scheduleId: string): Promise<FireRow | undefined> =>
    readRows(on, scheduleFires, and(eq(scheduleFires.scheduleId, scheduleId), isNull(scheduleFires.by)), {
      orderBy: desc(scheduleFires.n),
      limit: 1,
    })[0],

  addFire: async (tx: Tx, row: FireRow): Promise<void> => {
    tx.db.insert(scheduleFires).values(row).run();
  },
  /** Notes the message of a fire. */
  sent: async (tx: Tx, scheduleId: string, n: number, messageId: number): Promise<void> => {
    tx.db
      .update(scheduleFires)
      .set({ messageId })
      .where(and(eq(scheduleFires.scheduleId, scheduleId), eq(scheduleFires.n, n)))
      .run();
    tx.db.update(schedules).set({ lastMessageId: messageId }).where(eq(schedules.id, scheduleId)).run();
  },
  /** Deletes fires up to the n-th. */
  forgetFires: async (tx: Tx, scheduleId: string, upTo: number): Promise<void> => {
    tx.db.run(
      sql`delete from schedule_fires where schedule_id = ${scheduleId} and n <= ${upTo} and outcome <> 'waiting'`,
    );
  },
  /** The time whose message waits for a person. */
  waiting: async (on: ReadTx, scheduleId: string): Promise<FireRow | undefined> =>
    readRows(on, scheduleFires, and(eq(scheduleFires.scheduleId, scheduleId), eq(scheduleFires.outcome, "waiting")), {
      limit: 1,
    })[0],
  async changeFire(tx: Tx, { scheduleId, n }: FireRow, changes: Partial<FireRow>): Promise<void> {
    tx.db
      .update(scheduleFires)
      .set(changes)
      .where(and(eq(scheduleFires.scheduleId, scheduleId), eq(scheduleFires.n, n)))
      .run();
  },
  fire: async (on: ReadTx, scheduleId: string, n: number): Promise<FireRow | undefined> =>
    readRows(on, scheduleFires, and(eq(scheduleFires.scheduleId, scheduleId), eq(scheduleFires.n, n)))[0],
  /** Newest first. */
  fires: async (on: ReadTx, scheduleId: string, before: number | undefined, limit: number): Promise<FireRow[]> =>
    readRows(
      on,
      scheduleFires,
      and(eq(scheduleFires.scheduleId, scheduleId), before === undefined ? undefined : lt(scheduleFires.n, before)),
      { orderBy: desc(scheduleFires.n), limit },
    ),
  /** The fire that sent a message. */
  fireOf: async (on: ReadTx, messageId: number): Promise<FireRow | undefined> =>
    on.db.select().from(scheduleFires).where(eq(scheduleFires.messageId, messageId)).get(),
  /** Some that ended before a time. */
  endedBefore: async (on: ReadTx, before: number, limit: number): Promise<string[]> =>
    readValues(on, schedules.id, lt(schedules.endedAt, before), { limit }),
};
