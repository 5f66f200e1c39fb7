import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import { newId } from "../../kernel/ids.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { ScheduledRow } from "./row.ts";
import type { ScheduledStore } from "./store-delayed.ts";

export const DELIVER = "message.deliver";

export type Delayed = ReturnType<typeof createDelayed>;

/** Messages with a `deliverAt`: outside the log until their time, because an id in it is a place in time. */
export function createDelayed(store: ScheduledStore, due: Due, clock: Clock) {
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
        person: null,
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

    delivered: (tx: Tx, id: string, messageId: number): Promise<void> => store.ended(tx, id, { messageId }),
    failed: (tx: Tx, id: string, error: string): Promise<void> => store.ended(tx, id, { error }),

    /** Those that have not become a message, newest first; of one sender or of all. */
    unsent: (
      on: Reading,
      from: AgentId | undefined,
      before: string | undefined,
      limit: number,
    ): Promise<ScheduledRow[]> => store.unsent(on, from, before, limit),
    get: (on: Reading, id: string): Promise<ScheduledRow | undefined> => store.byId(on, id),
    /** The plan that became this message. */
    ofMessage: (on: Reading, messageId: number): Promise<ScheduledRow | undefined> => store.byMessage(on, messageId),
    /** Deletes at most `limit` plans before a time that could not be sent. */
    thin: (tx: Tx, before: number, limit: number): Promise<number> => store.thin(tx, before, limit),
    /** Planned messages of a deleted sender are never sent. */
    dropOf: (tx: Tx, from: string): Promise<void> => store.removeUnsentOf(tx, from),
    /** Cancels a plan. */
    async cancel(tx: Tx, id: string): Promise<void> {
      await store.remove(tx, id);
      await due.cancel(tx, DELIVER, id);
    },
  };
}
