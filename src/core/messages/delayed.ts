import type { Clock } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import { newId } from "../../kernel/ids.ts";
import type { Target } from "../../protocol/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { ScheduledRow } from "./row.ts";
import type { ScheduledStore } from "./store-delayed.ts";

type Planned = [
  draft: ParsedDraft,
  fromId: string,
  signature: Pick<ScheduledRow, "via" | "person" | "tokenId">,
  fingerprint: string | null,
];

export const DELIVER = "message.deliver";

export type Delayed = ReturnType<typeof createDelayed>;

/** Messages with a `deliverAt`: outside the log until their time, because an id in it is a place in time. */
export function createDelayed(store: ScheduledStore, due: Due, clock: Clock) {
  /** Stores a draft that nothing delivers by itself. */
  async function hold(tx: Tx, ...[draft, fromId, signature, fingerprint]: Planned) {
    const id = newId("sch", clock.now());
    const deliverAt = fromTime(draft.deliverAt ?? "");
    await store.add(tx, {
      id,
      fromId,
      draft: { ...draft, deliverAt: null },
      target: draft.to as Target,
      ...signature,
      deliverAt,
      idempotencyKey: draft.idempotencyKey ?? null,
      fingerprint,
      messageId: null,
      error: null,
      paused: null,
      waits: null,
      createdAt: clock.now(),
    });
    return { scheduleId: id, deliverAt };
  }

  return {
    rows: store,
    hold,
    async add(tx: Tx, ...planned: Planned) {
      const made = await hold(tx, ...planned);
      await due.schedule(tx, DELIVER, made.scheduleId, made.deliverAt, {});
      return made;
    },
    /** Delivers one now that was held, and that a person has allowed. */
    release: (tx: Tx, id: string): Promise<void> => due.schedule(tx, DELIVER, id, clock.now(), { isAllowed: true }),

    /** Goes on with a plan that was paused, under the token of its owner. */
    async resume(tx: Tx, id: string, how: Pick<ScheduledRow, "deliverAt" | "tokenId">): Promise<void> {
      await store.resume(tx, id, how);
      await due.schedule(tx, DELIVER, id, how.deliverAt, {});
    },

    /** Cancels a plan. */
    async cancel(tx: Tx, id: string): Promise<void> {
      await store.remove(tx, id);
      await due.cancel(tx, DELIVER, id);
    },
  };
}
