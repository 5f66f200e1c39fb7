import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { ScheduleRow } from "./store.ts";

/** Topic of the relay's notices about schedules. */
const NOTICE_TOPIC = "schedules";
/** Most ids that one notice names beside the first. */
const MAX_ALSO = 100;

type Named = Pick<ScheduleRow, "id" | "agentId" | "name" | "target">;
export type Notices = ReturnType<typeof createNotices>;

/** Notices of the relay to owners of schedules, and to the operator. */
export function createNotices({ identity, core }: Areas) {
  /** `also`: further schedules of the same owner that it happened to. */
  async function tellOwner(
    tx: Tx,
    { id, agentId, name, target }: Named,
    what: string,
    why: string,
    also: readonly string[] = [],
  ): Promise<void> {
    const happened = also.length === 0 ? `was ${what}` : `and ${also.length} more were ${what}`;
    const body = `${name ?? id}, to ${target}: ${why}`.slice(0, 4096);
    const payload = { scheduleId: id, agentId, ...(also.length > 0 && { also: also.slice(0, MAX_ALSO) }) };
    for (const reader of new Set([agentId, "user"]))
      await core.messages.tell(tx, reader, {
        topic: NOTICE_TOPIC,
        subject: `Schedule ${id} ${happened}`,
        body,
        payload,
      });
  }

  /** Notes for operators that the relay stopped one. */
  const record = (tx: Tx, id: string, how: "disabled" | "paused", reason: string): Promise<void> =>
    identity.activity.record(tx, { tokenId: "system" }, `schedule.${how}`, id, { reason });

  return { tellOwner, record };
}
