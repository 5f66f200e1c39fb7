import type { Clock } from "../clock.ts";
import type { Tx } from "../db/database.ts";
import type { Due } from "../due/due.ts";
import { newId } from "../ids.ts";
import { fromTime } from "../wire.ts";
import type { ParsedDraft } from "./schema.ts";
import type { ScheduledRow, ScheduledStore } from "./store-scheduled.ts";

export const DELIVER = "message.deliver";

export type Schedules = ReturnType<typeof createSchedules>;

/** Messages with a `deliverAt`: outside the log until their time, because an id in it is a place in time. */
export function createSchedules(store: ScheduledStore, due: Due, clock: Clock) {
  return {
    byKey: (tx: Tx, from: string, key: string): Promise<ScheduledRow | undefined> => store.byKey(tx, from, key),
    byId: (tx: Tx, id: string): Promise<ScheduledRow | undefined> => store.byId(tx, id),

    async add(tx: Tx, draft: ParsedDraft, fromId: string, via: string | null, fingerprint: string) {
      const id = newId("sch", clock.now());
      const deliverAt = fromTime(draft.deliverAt ?? "");
      await store.add(tx, {
        id,
        fromId,
        draft: { ...draft, deliverAt: null },
        via,
        deliverAt,
        idempotencyKey: draft.idempotencyKey ?? null,
        fingerprint,
        messageId: null,
        createdAt: clock.now(),
      });
      await due.schedule(tx, DELIVER, id, deliverAt, {});
      return { scheduleId: id, deliverAt };
    },

    delivered: (tx: Tx, id: string, messageId: number): Promise<void> => store.delivered(tx, id, messageId),
  };
}
