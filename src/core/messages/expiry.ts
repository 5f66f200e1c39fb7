import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import { EXPIRES } from "./append.ts";
import { DELIVER } from "./delayed.ts";
import type { ScheduledRow } from "./row.ts";
import type { Sender } from "./send.ts";

/** A message that cannot be appended at its time is given up after so many tries. */
const MAX_TRIES = 5;

/** A refusal as a value; anything else is thrown on. */
function refused(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/** Expiry of messages and work, and the notices to their senders. */
export function createExpiry(base: Base, sender: Sender) {
  const { rows } = base;
  const { logger } = base.kernel;
  const { directory } = base.identity;
  const { messages: store } = base.rows;
  /** Sends a planned message at its time. If its target is gone meanwhile, its sender is told. */
  async function deliver(tx: Tx, { key: id, tries, lastError, data }: DueRow): Promise<void> {
    const planned = await rows.delayed.byId(tx, id);
    if (!planned || planned.messageId !== null) return;
    const author = await directory.facts(tx, planned.fromId);
    if (!author || author.deletedAt !== null)
      return rows.delayed.ended(tx, id, { error: `${planned.fromId} was deleted` });
    if (tries >= MAX_TRIES) return notSent(tx, planned, lastError ?? "it failed again and again");
    const by = { id: author.id, kind: author.kind, via: planned.via, person: planned.person };
    const allowed = { isAllowed: data.isAllowed === true };
    // A refusal is reported to the sender. Any other error rolls back this write, which is then retried.
    const sent = await tx
      .attempt(async () => sender.append(tx, await sender.address(tx, by, planned.draft, allowed)))
      .catch(refused);
    if (!(sent instanceof Problem)) return rows.delayed.ended(tx, id, { messageId: sent.entry.id });
    logger.debug({ scheduleId: id, code: sent.code, detail: sent.message }, "planned message was refused");
    return notSent(tx, planned, sent.message);
  }

  async function notSent(tx: Tx, { id, fromId, draft }: ScheduledRow, why: string): Promise<void> {
    await rows.delayed.ended(tx, id, { error: why });
    await sender.tell(tx, fromId, {
      subject: `Scheduled message ${id} was not sent`,
      body: `It was for ${draft.to}: ${why}`,
      payload: { scheduleId: id },
    });
  }

  /** Tells the sender of a direct message that was not acknowledged in time. */
  async function expireTalk(tx: Tx, id: number): Promise<void> {
    const row = await store.lineage(tx, id);
    const target = row && (await directory.facts(tx, row.target));
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
