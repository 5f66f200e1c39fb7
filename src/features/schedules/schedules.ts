import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Fact } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import { createEndings } from "./endings.ts";
import { createFires } from "./fires.ts";
import { createNotices } from "./notices.ts";
import { createOutcomes } from "./outcomes.ts";
import { createPlans } from "./plans.ts";
import { toFire } from "./schedule.ts";
import { createScheduleService } from "./service.ts";
import { createSetBack } from "./set-back.ts";
import { scheduleStore } from "./store.ts";

export type Schedules = ReturnType<typeof createSchedules>;

/** Messages that are sent at a time, once or by cron. */
export function createSchedules(areas: Areas) {
  const { db } = areas.kernel;
  const { messages } = areas.core;
  const notices = createNotices(areas);
  const fires = createFires(areas, notices);
  const plans = createPlans(areas, notices);
  const outcomes = createOutcomes(areas);
  const endings = createEndings(areas, { fires, plans, notices });
  const service = createScheduleService(areas, { fires, plans, outcomes });

  /** The schedule that made a message, and how late it was. */
  async function facts(on: ReadTx, row: MessageRow): Promise<Fact[]> {
    const fire = await scheduleStore.fireOf(on, row.id);
    if (fire) {
      const { n, scheduledAt, missedBySeconds, missed } = toFire(fire);
      const facts = { scheduleId: fire.scheduleId, n, scheduledAt, missedBySeconds, missed };
      return [{ at: toTime(fire.firedAt), step: "scheduled", ...facts }];
    }
    const message = await messages.delayed.rows.byMessage(on, row.id);
    if (!message) return [];
    const { id, createdAt, deliverAt } = message;
    return [{ at: toTime(createdAt), step: "scheduled", scheduleId: id, scheduledAt: toTime(deliverAt) }];
  }

  return {
    fired: fires.fired,
    runsOf: fires.runsOf,
    followWaited: fires.followWaited,
    dropTarget: endings.dropTarget,
    followClock: createSetBack(areas),
    dropAgent: endings.dropAgent,
    pauseOf: endings.pauseOf,
    setUpBy: endings.setUpBy,
    facts,
    sweeps: endings.sweeps,
    dueHandlers: fires.dueHandlers,
    routes: lateRoutes(["/v1/schedules"], async () => (await import("./routes.ts")).scheduleRoutes(db, service)),
  };
}
