import type { Messaging } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/store.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Reading } from "../../kernel/db/database.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import type { Fact } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import { createFiring } from "./firing.ts";
import { createOutcomes } from "./outcomes.ts";
import { createScheduleService } from "./service.ts";
import { scheduleStore } from "./store.ts";
import { wireFire } from "./wire.ts";

export interface SchedulingParts {
  messaging: Messaging;
  activity: ActivityService;
  idempotency: Idempotency;
}

export type Scheduling = ReturnType<typeof createScheduling>;

/** Wires schedules to the messages that they send. */
export function createScheduling({ messaging, activity, idempotency }: SchedulingParts) {
  const { db, schedules: planned } = messaging;
  const firing = createFiring({ ...messaging, activity });
  const outcomes = createOutcomes(messaging);
  const service = createScheduleService({ ...messaging, planned, firing, outcomes, activity, idempotency });

  messaging.explainer.alsoTell(factsOf);

  /** Which schedule made a message, and how late. */
  async function factsOf(on: Reading, row: MessageRow): Promise<Fact[]> {
    const fire = await scheduleStore.fireOf(on, row.id);
    if (fire) {
      const { n, scheduledAt, missedBySeconds, missed } = wireFire(fire);
      const facts = { scheduleId: fire.scheduleId, n, scheduledAt, missedBySeconds, missed };
      return [{ at: toTime(fire.firedAt), step: "scheduled", ...facts }];
    }
    const message = await planned.ofMessage(on, row.id);
    if (!message) return [];
    const { id, createdAt, deliverAt } = message;
    return [{ at: toTime(createdAt), step: "scheduled", scheduleId: id, scheduledAt: toTime(deliverAt) }];
  }

  return {
    onFire: firing.onFire,
    pauseOf: service.pauseOf,
    routes: lateRoutes(["/v1/schedules"], async () => (await import("./routes.ts")).scheduleRoutes(db, service)),
  };
}
