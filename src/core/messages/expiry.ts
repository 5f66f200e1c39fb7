import type { Logger } from "pino";
import type { AgentStore } from "../../identity/agents/store.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import type { DueRow } from "../../kernel/due/store.ts";
import { Problem } from "../../protocol/problem.ts";
import { DELIVER, type Schedules } from "./delayed.ts";
import { EXPIRES, type Sender } from "./send.ts";
import type { MessageStore } from "./store.ts";
import type { ScheduledRow } from "./store-delayed.ts";

export interface EndParts {
  logger: Pick<Logger, "debug">;
  agentStore: AgentStore;
  store: MessageStore;
  sender: Sender;
  schedules: Schedules;
  due: Due;
  clock: Clock;
}

/** A message that cannot be appended at its time is given up after so many tries. */
const MAX_TRIES = 5;

/** A refusal as a value; anything else is thrown on. */
function refused(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/** Expiry of messages and work, and the notices to their senders. */
export function wireEnds({ agentStore, store, sender, schedules, due, logger }: EndParts): void {
  due.on(DELIVER, deliver);
  due.on(EXPIRES, (tx, row) => expireTalk(tx, Number(row.key)));

  /** A scheduled message's time has come. What it was for may be gone meanwhile: then its sender is told. */
  async function deliver(tx: Tx, { key: id, tries, lastError }: DueRow): Promise<void> {
    const planned = await schedules.byId(tx, id);
    if (!planned || planned.messageId !== null) return;
    const author = await agentStore.facts(tx, planned.fromId);
    if (!author || author.deletedAt !== null) return schedules.failed(tx, id, `${planned.fromId} was deleted`);
    if (tries >= MAX_TRIES) return notSent(tx, planned, lastError ?? "it failed again and again");
    const by = { id: author.id, kind: author.kind, via: planned.via };
    // A refusal is the sender's to know. Anything else that is thrown takes back this whole write, and is tried again.
    const sent = await tx
      .attempt(async () => sender.append(tx, await sender.address(tx, by, planned.draft)))
      .catch(refused);
    if (!(sent instanceof Problem)) return schedules.delivered(tx, id, sent.entry.id);
    logger.debug({ scheduleId: id, code: sent.code, detail: sent.message }, "planned message was refused");
    return notSent(tx, planned, sent.message);
  }

  async function notSent(tx: Tx, { id, fromId, draft }: ScheduledRow, why: string): Promise<void> {
    await schedules.failed(tx, id, why);
    await sender.tell(tx, fromId, {
      subject: `Scheduled message ${id} was not sent`,
      body: `It was for ${draft.to}: ${why}`,
      payload: { scheduleId: id },
    });
  }

  /** A direct message was not acknowledged in time: its sender is told. */
  async function expireTalk(tx: Tx, id: number): Promise<void> {
    const row = await store.lineage(tx, id);
    const target = row && (await agentStore.facts(tx, row.target));
    // The senders of a deleted agent have been told.
    if (!row || row.fromId === "system" || !target || target.deletedAt !== null || target.cursor >= id) return;
    await sender.tell(tx, row.fromId, {
      subject: `Message ${id} expired`,
      body: `Message ${id} expired before ${row.target} acknowledged it.`,
      replyTo: id,
      payload: { messageId: id, state: "expired" },
    });
  }
}
