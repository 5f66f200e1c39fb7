import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import { HELD_MS, type Holding } from "../holding/holding.ts";
import { EXPIRES } from "./append.ts";
import { DELIVER } from "./delayed.ts";
import type { Author } from "./draft.ts";
import type { ScheduledRow } from "./row.ts";
import type { Sender } from "./send.ts";

/** A message that cannot be appended at its time is given up after so many tries. */
const MAX_TRIES = 5;

/** A refusal as a value. Anything else is thrown on: an outage of the storage refuses nothing. */
function refused(error: unknown): Problem {
  if (error instanceof Problem && error.status < 500) return error;
  throw error;
}

/** Expiry of messages and work, and the notices to their senders. */
export function createExpiry(base: Base, { sender, holding }: { sender: Sender; holding: Holding }) {
  const { rows } = base;
  const { clock, due, logger } = base.kernel;
  const { directory } = base.identity;
  const { messages: store } = base.rows;
  /** Sends a planned message at its time. A hold keeps it back; a refusal is told to its sender. */
  async function deliver(tx: Tx, { key: id, tries, lastError, data }: DueRow): Promise<void> {
    const planned = await rows.delayed.byId(tx, id);
    if (!planned || planned.messageId !== null || planned.paused !== null) return;
    const author = directory.facts(tx, planned.fromId);
    if (!author || author.deletedAt !== null) return notSent(tx, planned, `${planned.fromId} was deleted`);
    if (tries >= MAX_TRIES) return notSent(tx, planned, lastError ?? "it failed again and again");
    const isAllowed = data.isAllowed === true;
    if (!isAllowed && (await holding.over(tx, [planned.fromId, planned.target as AgentId])))
      return due.schedule(tx, DELIVER, id, clock.now() + HELD_MS);
    const { via, person, waits } = planned;
    const by = { id: author.id, kind: author.kind, via, person, ...(waits?.source && { source: waits.source }) };
    // A refusal is reported to the sender. Any other error rolls back this write, which is then retried.
    const refusal = await tx.attempt(() => goOut(tx, planned, by, isAllowed)).catch(refused);
    if (!(refusal instanceof Problem)) return;
    logger.debug({ scheduleId: id, code: refusal.code, detail: refusal.message }, "planned message was refused");
    return notSent(tx, planned, refusal.message);
  }

  /** Sends it, or asks a person first. @throws Problem 403, 409, 422 */
  async function goOut(tx: Tx, planned: ScheduledRow, by: Author, isAllowed: boolean): Promise<void> {
    const addressed = await sender.address(tx, by, sender.waiting.allowed(planned), { isAllowed });
    const { asks } = addressed;
    if (asks) return sender.waiting.holdPlanned(tx, planned, { ...addressed, asks });
    const { entry } = await sender.append(tx, { ...addressed, isRoot: planned.waits?.isRoot });
    return sender.waiting.sent(tx, planned, entry);
  }

  const notSent = (tx: Tx, row: ScheduledRow, why: string): Promise<void> =>
    sender.waiting.refused(tx, row, why, {
      subject: `Scheduled message ${row.id} was not sent`,
      body: `It was for ${row.draft.to}: ${why}`,
    });

  /** Tells the sender of a direct message that was not acknowledged in time. */
  async function expireTalk(tx: Tx, id: number): Promise<void> {
    const row = await store.lineage(tx, id);
    const target = row && directory.facts(tx, row.target);
    // The senders of a deleted agent have been told.
    if (!row || row.fromId === "system" || !target || target.deletedAt !== null || target.cursor >= id) return;
    await sender.tell(tx, row.fromId, {
      subject: `Message ${id} expired`,
      body: `Message ${id} expired before ${row.target} acknowledged it.`,
      replyTo: id,
      payload: { messageId: id, state: "expired" },
    });
  }

  return {
    dueHandlers: { [DELIVER]: deliver, [EXPIRES]: (tx: Tx, row: DueRow) => expireTalk(tx, Number(row.key)) },
  };
}
