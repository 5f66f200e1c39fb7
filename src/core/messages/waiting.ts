import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime, toTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { Delayed } from "./delayed.ts";
import type { Addressed, Asks } from "./draft.ts";
import type { LogEntry } from "./entry.ts";
import type { ScheduledRow } from "./row.ts";
import type { Waits } from "./tables.ts";

/** Owner and place of a message that waits. */
export interface Holding extends Pick<Waits, "owner" | "isRoot"> {
  /** Hash of the request, when it has an idempotency key. */
  fingerprint?: string | undefined;
  /** Message that the run works on out of which it is sent. */
  causedBy?: number | undefined;
}

/** A message that waits for a person, under its ids. */
export interface Held {
  scheduleId: string;
  approvalId: string;
  /** End of the approval, in milliseconds. */
  deliverAt: number;
}

type Asked = Addressed & { asks: Asks };
type CauseOf = (on: ReadTx, asked: Addressed) => Promise<number | undefined>;
type Tell = (
  tx: Tx,
  to: string,
  said: { subject: string; body: string; payload: Record<string, unknown> },
) => Promise<void>;

/** Messages that make a spawn which a person has to allow: out of the log until then, whatever they belong to. */
export function createWaiting(base: Base, delayed: Delayed, { tell, causeOf }: { tell: Tell; causeOf: CauseOf }) {
  const { clock, disk, hooks } = base.kernel;
  const { providers } = base.identity.orchestrators;
  /** A message is planned for a later time. */
  const planned = hooks.event<[payload: Addressed["draft"]["payload"], at: number]>("messages.planned");
  /** One that waited for a person is sent, as `entry`, or never will be: its row says why. */
  const waited = hooks.event<[row: ScheduledRow, entry: LogEntry | undefined]>("messages.waited");

  /** Asks a person for a stored message. @throws Problem 409, 422 */
  async function askFor(tx: Tx, id: string, asked: Asked, how: Holding): Promise<string> {
    const { author, target, asks } = asked;
    const { owner, isRoot } = how;
    const causedBy = isRoot ? undefined : (how.causedBy ?? (await causeOf(tx, asked)));
    const { approvalId } = await asks.ask(tx, { scheduleId: id, owner, causedBy });
    await delayed.rows.wait(tx, id, { approvalId, owner, source: author.source, isRoot });
    await tell(tx, author.id, {
      subject: `Your message to ${target} waits for an approval`,
      body: `A person has to allow the start of ${target}: ${approvalId}. Your message goes there then.`,
      payload: { scheduleId: id, approvalId },
    });
    return approvalId;
  }

  return {
    planned,
    waited,

    /** Keeps a message out of the log until a person has allowed the spawn that it makes. @throws Problem 409, 422 */
    async hold(tx: Tx, asked: Asked, how: Holding = {}): Promise<Held> {
      const { author, target, draft, asks, provider } = asked;
      if (provider) await providers.ensure(tx, provider);
      disk.checkRoom(draft.body.length, "messages");
      const held = { ...draft, to: target, deliverAt: toTime(clock.now() + asks.seconds * 1000) };
      const { id, via, person = null } = author;
      const made = await delayed.hold(tx, held, id, { via, person, tokenId: null }, how.fingerprint ?? null);
      await planned.raise(tx, draft.payload, made.deliverAt);
      return { ...made, approvalId: await askFor(tx, made.scheduleId, asked, how) };
    },

    /** Asks for a planned message whose time has come. @throws Problem 409, 422 */
    async holdPlanned(tx: Tx, { id, draft }: ScheduledRow, asked: Asked): Promise<void> {
      await planned.raise(tx, draft.payload, clock.now() + asked.asks.seconds * 1000);
      await askFor(tx, id, asked, {});
    },

    /** Notes the message that one became. */
    async sent(tx: Tx, row: ScheduledRow, entry: LogEntry): Promise<void> {
      await delayed.rows.ended(tx, row.id, { messageId: entry.id });
      if (row.waits) await waited.raise(tx, { ...row, messageId: entry.id }, entry);
    },

    /** Notes that one will not be sent. Its sender is told, unless what it belongs to tells of it. */
    async refused(tx: Tx, row: ScheduledRow, error: string, notice: { subject: string; body: string }): Promise<void> {
      await delayed.rows.ended(tx, row.id, { error });
      const { owner, approvalId } = row.waits ?? {};
      if (owner === undefined)
        await tell(tx, row.fromId, { ...notice, payload: { scheduleId: row.id, ...(approvalId && { approvalId }) } });
      if (row.waits) await waited.raise(tx, { ...row, error }, undefined);
    },

    /** Takes back one that was not sent. @throws Problem 409 when it was */
    async cancel(tx: Tx, row: ScheduledRow): Promise<void> {
      if (row.messageId !== null) throw new Problem("conflict", `It was sent already, as message ${row.messageId}.`);
      await delayed.cancel(tx, row.id);
      if (row.waits) await waited.raise(tx, { ...row, error: "it was taken back" }, undefined);
    },

    /** The draft that goes out once it is allowed: the time that a schedule gives it begins then. */
    allowed({ draft, waits, createdAt }: ScheduledRow): ScheduledRow["draft"] {
      if (!waits?.owner?.startsWith("sch_") || draft.expiresAt == null) return draft;
      return { ...draft, expiresAt: toTime(fromTime(draft.expiresAt) + clock.now() - createdAt) };
    },
  };
}
