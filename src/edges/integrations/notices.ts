import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { LeftOut } from "../../kernel/http/bytes.ts";
import { EVENT_BYTES, LARGEST_DELIVERY_BYTES, MAX_EVENTS } from "../../protocol/integrations.ts";
import { NOTICE } from "./store-ends.ts";

/** Most skipped events that a notice names. */
const MAX_NAMED = 20;
/** Shortest time between two notices of a source for one reason: Alertmanager sends a group again every few minutes. */
const QUIET_MS = 3_600_000;
const QUIET = "Deliveries like this are not told of again for an hour.";

type Said = Record<"subject" | "body", string> & { payload: Record<string, unknown> };

/** Events of a delivery that were not taken. */
export interface SkippedEvents {
  taken: number;
  /** Names of the first skipped events; `others` counts the rest. */
  named: string[];
  others: number;
}

/** A task without a reachable target. */
type UnsentTask = Record<"id" | "title" | "severity", string> & { source: string | null };

/** Notices to the operator about incomplete deliveries and unsent tasks. */
export function createNotices({ kernel, core }: Areas) {
  const { clock, idempotency } = kernel;
  const { messages } = core;

  /** Tells the first time in an hour. The key is no sender's own: ids hold no slash. */
  async function tellOnce(tx: Tx, source: string, reason: string, { body, ...said }: Said): Promise<void> {
    const isRecent = (at: number) => at <= clock.now() && clock.now() - at < QUIET_MS;
    await idempotency.once(tx, {
      ...{ sender: `notices/${source}`, key: reason, operation: NOTICE, asked: null },
      async make() {
        await messages.tell(tx, "user", { ...said, body: `${body}\n\n${QUIET}` });
        return { subject: String(clock.now()), made: true };
      },
      again: async (at) => isRecent(Number(at)) || undefined,
    });
  }

  return {
    async leftOut(tx: Tx, source: string, { taken, named, others }: SkippedEvents): Promise<void> {
      const shown = named.slice(0, MAX_NAMED);
      const skipped = named.length + others;
      const more = skipped - shown.length;
      await tellOnce(tx, source, "left-out", {
        subject: `${source}: ${skipped} events were left out`,
        body:
          `A delivery of ${source} held ${taken + skipped} events. The first ${taken} were taken: a delivery may hold ` +
          `${MAX_EVENTS} events and ${EVENT_BYTES} bytes of them. Let ${source} send fewer at once (Alertmanager: max_alerts). ` +
          `Left out:\n${[...shown, ...(more > 0 ? [`${shown.length > 0 ? "and " : ""}${more} more`] : [])].join("\n")}`,
        payload: { source, taken, skipped, leftOut: shown },
      });
    },

    /** Tells of a delivery that was too large to be read whole, but whose events were all taken. */
    async cut(tx: Tx, source: string, { of, bytes }: LeftOut): Promise<void> {
      await tellOnce(tx, source, "cut", {
        subject: `${source}: a delivery was too large to be read whole`,
        body:
          `A delivery of ${source} had ${of} bytes. The fields that its mapping reads were taken as far as they fit; ${bytes} ` +
          "bytes were left out: fields that no mapping reads, and the ends of long texts.",
        payload: { source, bytes: of, leftOutBytes: bytes },
      });
    },

    /** Tells of alerts beyond `max_alerts`: their ends are left out as well. */
    async truncated(tx: Tx, source: string, truncated: number): Promise<void> {
      await tellOnce(tx, source, "truncated", {
        subject: `${source}: ${truncated} events were left out by ${source} itself`,
        body: `A delivery of ${source} came without ${truncated} of its alerts (max_alerts). Let ${source} group them smaller (group_by).`,
        payload: { source, truncated },
      });
    },

    /** Tells of a delivery that is too large to be read, and lost: its source does not send it again. */
    async refused(tx: Tx, source: string, why: string): Promise<void> {
      await tellOnce(tx, source, "refused", {
        subject: `${source}: a delivery was refused`,
        body:
          `A delivery of ${source} was too large to be read. ${why} Let ${source} send fewer events at once (Alertmanager: ` +
          `max_alerts). A mapped delivery is read up to ${LARGEST_DELIVERY_BYTES} bytes.`,
        payload: { source },
      });
    },

    async unreachable(tx: Tx, { id, source, title, severity }: UnsentTask, target: string, why: string): Promise<void> {
      await messages.tell(tx, "user", {
        subject: `[${severity}] ${title}`,
        body: `Task ${id} of ${source} is for ${target}, which cannot get it: ${why}`,
        payload: { taskId: id, source, target },
      });
    },
  };
}
