import type { Clock } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import { newId } from "../../kernel/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { ScheduledRow } from "./row.ts";
import type { ScheduledStore } from "./store-delayed.ts";

export const DELIVER = "message.deliver";

export type Delayed = ReturnType<typeof createDelayed>;

/** Messages with a `deliverAt`: outside the log until their time, because an id in it is a place in time. */
export function createDelayed(store: ScheduledStore, due: Due, clock: Clock) {
  return {
    rows: store,

    async add(
      tx: Tx,
      draft: ParsedDraft,
      fromId: string,
      signature: Pick<ScheduledRow, "via" | "person">,
      fingerprint: string,
    ) {
      const id = newId("sch", clock.now());
      const deliverAt = fromTime(draft.deliverAt ?? "");
      await store.add(tx, {
        id,
        fromId,
        draft: { ...draft, deliverAt: null },
        ...signature,
        deliverAt,
        idempotencyKey: draft.idempotencyKey ?? null,
        fingerprint,
        messageId: null,
        error: null,
        createdAt: clock.now(),
      });
      await due.schedule(tx, DELIVER, id, deliverAt, {});
      return { scheduleId: id, deliverAt };
    },

    /** Cancels a plan. */
    async cancel(tx: Tx, id: string): Promise<void> {
      await store.remove(tx, id);
      await due.cancel(tx, DELIVER, id);
    },
  };
}
