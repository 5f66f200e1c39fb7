import type { Logger } from "pino";
import type { AgentService } from "../agents/service.ts";
import type { AgentStore } from "../agents/store.ts";
import type { Clock } from "../clock.ts";
import type { Tx } from "../db/database.ts";
import type { Due } from "../due/due.ts";
import type { DueRow } from "../due/store.ts";
import { Problem } from "../problem.ts";
import type { Leases } from "./leases.ts";
import { DELIVER, type Schedules } from "./scheduled.ts";
import { EXPIRES, type Sender } from "./send.ts";
import type { Candidate, MessageStore } from "./store.ts";
import type { ScheduledRow } from "./store-scheduled.ts";
import type { WorkStore } from "./store-work.ts";

export interface EndParts {
  logger: Pick<Logger, "debug">;
  agents: AgentService;
  agentStore: AgentStore;
  store: MessageStore;
  works: WorkStore;
  sender: Sender;
  schedules: Schedules;
  leases: Leases;
  due: Due;
  clock: Clock;
}

/** How much unread mail of a deleted agent is looked at, and how many senders are told. */
const MAX_UNREAD = 5000;
const MAX_TOLD = 200;

/** A message that cannot be appended at its time is given up after so many tries. */
const MAX_TRIES = 5;

/** A refusal as a value; anything else is thrown on. */
function refused(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/** What time and deletion bring to an end, and who is told of it. */
export function wireEnds(parts: EndParts): void {
  const { agents, agentStore, store, works, sender, schedules, leases, due, logger } = parts;
  due.on(DELIVER, deliver);
  due.on(EXPIRES, (tx, row) => expireTalk(tx, Number(row.key)));
  agents.onDeleted(async (tx, agentId) => {
    await leases.dropAllOf(tx, agentId);
    await schedules.dropOf(tx, agentId);
    await tellSendersOfUnread(tx, agentId);
  });

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
    if (!row || row.fromId === "system" || (target && target.cursor >= id)) return;
    await sender.tell(tx, row.fromId, {
      subject: `Message ${id} expired`,
      body: `Message ${id} expired before ${row.target} acknowledged it.`,
      replyTo: id,
      payload: { messageId: id, state: "expired" },
    });
  }

  /** Before the memberships end: whose direct messages will never be read. */
  async function tellSendersOfUnread(tx: Tx, agentId: string): Promise<void> {
    const facts = await agentStore.facts(tx, agentId);
    const beyond = await store.forTargets(tx, [agentId], facts?.cursor ?? 0, MAX_UNREAD);
    // Work that was done has reached it, acknowledged or not.
    const work = await works.byIds(
      tx,
      beyond.map((candidate) => candidate.id),
    );
    const unread = beyond.filter((candidate) => work.get(candidate.id)?.state !== "done");
    const bySender = Map.groupBy(unread, (candidate: Candidate) => candidate.fromId);
    for (const [from, theirs] of [...bySender].slice(0, MAX_TOLD)) {
      if (from === "system" || from === agentId) continue;
      const ids = theirs.map((candidate) => candidate.id);
      await sender.tell(tx, from, {
        subject: `${agentId} was deleted`,
        body: `${agentId} was deleted without acknowledging ${ids.length} of your messages.`,
        payload: { agentId, undelivered: ids.slice(0, 100), count: ids.length },
      });
    }
  }
}
