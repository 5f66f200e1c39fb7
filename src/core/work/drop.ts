import { breathe, createPauses } from "../../kernel/breathe.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { Base } from "../base.ts";
import type { Sender } from "../messages/send.ts";
import type { Leases } from "./leases.ts";
import type { WorkRow } from "./row.ts";

/** The due row of work and mail that a deleted agent leaves beyond the write that deletes it. */
const DROP = "message.drop";
/** Work and messages that end in the write that deletes, and in each write after it. */
const MAX_AT_ONCE = 5000;
/** Most rows read at once. */
const PAGE = 250;
/** Ids that a notice names. */
const MAX_NAMED = 100;

/** Progress through the mail of a deleted agent. */
interface Place {
  /** The head at the deletion: messages after a restore are not touched. */
  upTo: number;
  after: number;
  /** Senders that were told: each is told once. */
  told: string[];
}

type SentTo = Awaited<ReturnType<Base["rows"]["messages"]["sentTo"]>>[number];

/** Losses of one sender: unread messages and unfinished work. */
interface Lost {
  undelivered: number[];
  cancelled: number[];
}

/** By sender. */
type Losses = Map<string, Lost>;

function losing(lost: Losses, from: string): Lost {
  const known = lost.get(from) ?? { undelivered: [], cancelled: [] };
  lost.set(from, known);
  return known;
}

/**
 * Ends the work and mail of a deleted agent: work for it alone is cancelled, a group's work that it held is open again, and the senders
 * of all that it never read or did are told.
 */
export function createDrop(base: Base, parts: { sender: Sender; leases: Leases }) {
  const { clock, due, headOf } = base.kernel;
  const { directory } = base.identity;
  const { messages: store, work: works } = base.rows;
  const { sender, leases } = parts;

  async function goOn(tx: Tx, agentId: string, place: Place): Promise<void> {
    const facts = directory.facts(tx, agentId);
    const isDeleted = facts !== undefined && facts.deletedAt !== null;
    const lost: Losses = new Map();
    let room = await endWork(tx, agentId, place.upTo, isDeleted, lost);
    let after = place.after;
    // A restored agent reads its old mail itself.
    while (isDeleted && room > 0) {
      const sent = await store.sentTo(tx, agentId, { after, upTo: place.upTo }, Math.min(PAGE, room));
      for (const one of sent) if (isTalk(one, clock.now())) losing(lost, one.fromId).undelivered.push(one.id);
      after = sent.at(-1)?.id ?? after;
      room -= sent.length;
      if (sent.length < PAGE) break;
      await breathe();
    }
    const pause = createPauses();
    for (const [from, what] of lost) {
      await pause();
      if (!place.told.includes(from)) await tell(tx, agentId, from, what, room <= 0);
    }
    const told = [...new Set([...place.told, ...lost.keys()])];
    if (room <= 0) await due.schedule(tx, DROP, agentId, clock.now(), { upTo: place.upTo, after, told });
    else await due.cancel(tx, DROP, agentId);
  }

  /** Ends work page by page, with the event loop in between. Answers the room that is left. */
  async function endWork(tx: Tx, agentId: string, upTo: number, isDeleted: boolean, lost: Losses): Promise<number> {
    const pause = createPauses();
    for (let room = MAX_AT_ONCE; ; ) {
      const page = await workOf(tx, agentId, upTo, isDeleted, Math.min(PAGE, room));
      for (const work of page) {
        await pause();
        if (work.target !== agentId) await leases.end(tx, work, { as: "abandoned" });
        else {
          await leases.end(tx, work, { as: "overtaken", state: "cancelled", why: `${agentId} was deleted` });
          const from = (await store.lineage(tx, work.messageId))?.fromId;
          if (from) losing(lost, from).cancelled.push(work.messageId);
        }
      }
      room -= page.length;
      if (page.length < PAGE || room <= 0) return room;
    }
  }

  /** Work it holds, and work for it alone. A restored agent keeps the group's work it holds. */
  async function workOf(tx: Tx, agentId: string, upTo: number, isDeleted: boolean, limit: number): Promise<WorkRow[]> {
    const held = (await works.heldBy(tx, agentId, limit)).filter(
      (work) => work.messageId <= upTo && (isDeleted || work.target === agentId),
    );
    return [...held, ...(await works.waitingFor(tx, agentId, upTo, limit - held.length))];
  }

  /** Tells a sender once, of the losses found so far: there may be more. */
  async function tell(tx: Tx, agentId: AgentId, to: Target, lost: Lost, mayBeMore: boolean): Promise<void> {
    const { undelivered, cancelled } = lost;
    if (to === "system" || to === agentId) return;
    const count = undelivered.length + cancelled.length;
    const work = cancelled.length ? ` ${cancelled.length} of them were work, which is cancelled.` : "";
    await sender.tell(tx, to, {
      subject: `${agentId} was deleted`,
      body: `${agentId} was deleted without reading or finishing ${count}${mayBeMore ? " or more" : ""} of your messages.${work}`,
      payload: {
        ...{ agentId, count, undelivered: [...undelivered, ...cancelled].sort((a, b) => a - b).slice(0, MAX_NAMED) },
        cancelled: cancelled.slice(0, MAX_NAMED),
      },
    });
  }

  return {
    /** Runs in the write that deletes an agent, after every feature has ended its own rows. */
    async dropAgent(tx: Tx, agentId: string): Promise<void> {
      const facts = directory.facts(tx, agentId);
      await base.rows.delayed.removeUnsentOf(tx, agentId);
      await goOn(tx, agentId, { upTo: headOf(tx), after: facts?.cursor ?? 0, told: [] });
    },
    dueHandlers: {
      [DROP]: (tx: Tx, { key, data }: DueRow) =>
        goOn(tx, key, { upTo: Number(data.upTo), after: Number(data.after), told: data.told as string[] }),
    },
  };
}

/**
 * Work ends by its own rules, delegations tell the end of requests, announcements go to another receiver, and expired messages
 * were told before.
 */
const isTalk = ({ claimable, kind, expiresAt }: SentTo, now: number): boolean =>
  !claimable && kind !== "request" && kind !== "announcement" && (expiresAt === null || expiresAt > now);
