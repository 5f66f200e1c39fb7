import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { PairEvent, ParsedPairMessage } from "../../protocol/pairs.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { PairRow, PairStore } from "./store.ts";

export const EXPIRES = "pair.expires";
/** Pairs ended in one write when a member is deleted. */
const SLICE = 200;
const DROP = "pair.drop";
const SYSTEM: Author = { id: "system", kind: "system", via: null };

export type PairLifecycle = ReturnType<typeof createPairLifecycle>;

/** Steps of a pair. Each tells both members in the same write. */
export function createPairLifecycle({ kernel, core }: Areas, store: PairStore) {
  const { clock, due, headOf, hooks } = kernel;
  const { messages } = core;
  const changed = hooks.event<[pair: PairRow]>("pairs.changed");

  /** First message of the thread; undefined once retention took it, and the next message begins a new thread. */
  const first = async (tx: Tx, row: PairRow): Promise<number | undefined> =>
    (await messages.rows.lineage(tx, row.threadId)) ? row.threadId : undefined;

  /** Tells both members of a step, the target first. Answers the thread. */
  async function tell(tx: Tx, row: PairRow, event: PairEvent): Promise<number> {
    let threadId = await first(tx, row);
    for (const member of [row.target, row.requester]) {
      const sent = await messages.post(tx, SYSTEM, {
        to: member,
        kind: "pair",
        subject: `Pair ${row.id} ${event}`,
        body: SAYS[event](row),
        replyTo: threadId,
        payload: payloadOf(row, event),
      });
      threadId ??= sent?.entry.id;
    }
    return threadId ?? row.threadId;
  }

  async function step(tx: Tx, row: PairRow, event: PairEvent): Promise<PairRow> {
    const told = { ...row, threadId: await tell(tx, row, event) };
    await store.save(tx, told);
    await changed.raise(tx, told);
    return told;
  }

  async function end(
    tx: Tx,
    row: PairRow,
    status: "rejected" | "ended" | "expired",
    endedBy: string,
    reason: string | null,
    person: string | null = null,
  ): Promise<PairRow> {
    await due.cancel(tx, EXPIRES, row.id);
    return step(tx, { ...row, status, endedBy, reason, endedPerson: person, endedAt: clock.now() }, status);
  }

  /** Ends the pairs of a deleted member. */
  async function drop(tx: Tx, agentId: string, upTo: number): Promise<void> {
    const live = await store.liveOf(tx, agentId, upTo, SLICE);
    const pause = createPauses();
    for (const row of live) {
      await pause();
      await end(tx, row, "ended", "system", `${agentId} was deleted`);
    }
    if (live.length === SLICE) await due.schedule(tx, DROP, agentId, clock.now(), { upTo });
  }

  async function expire(tx: Tx, { key }: DueRow): Promise<void> {
    const row = await store.byId(tx, key);
    if (row?.status === "pending") await end(tx, row, "expired", "system", null);
  }

  return {
    tell,
    changed,
    end,
    async accept(tx: Tx, row: PairRow, person: string | null): Promise<PairRow> {
      await due.cancel(tx, EXPIRES, row.id);
      return step(tx, { ...row, status: "active", acceptedAt: clock.now(), acceptedPerson: person }, "accepted");
    },

    /** Sends a message from one member to the other. @throws Problem 410 when that agent was deleted */
    async pass(tx: Tx, row: PairRow, from: Author, said: ParsedPairMessage): Promise<LogEntry> {
      const to = from.id === row.requester ? row.target : row.requester;
      const replyTo = said.replyTo ?? (await first(tx, row));
      const sent = await messages.post(tx, from, {
        to,
        kind: "pair",
        subject: said.subject ?? `Pair ${row.id}`,
        body: said.body,
        encoding: said.encoding,
        replyTo,
        payload: { ...said.payload, ...payloadOf(row, "message") },
      });
      if (!sent) throw new Problem("gone", `${to} was deleted.`);
      if (replyTo === undefined) await store.save(tx, { ...row, threadId: sent.entry.threadId });
      return sent.entry;
    },

    dropAgent: (tx: Tx, agentId: string): Promise<void> => drop(tx, agentId, headOf(tx)),
    dueHandlers: { [EXPIRES]: expire, [DROP]: (tx: Tx, row: DueRow) => drop(tx, row.key, Number(row.data.upTo)) },
  };
}

const payloadOf = (row: PairRow, pairEvent: PairEvent) => ({ pairId: row.id, pairEvent, requesterId: row.requester });

const because = ({ reason }: PairRow): string => (reason === null ? "" : `: ${reason}`);

const SAYS: Record<PairEvent, (row: PairRow) => string> = {
  requested: ({ requester, target, objective, expiresAt }) =>
    `${requester} asks ${target} to work together${objective ? `: ${objective}` : ""}\n(to be accepted by ${toTime(expiresAt)})`,
  accepted: ({ requester, target }) => `${target} works with ${requester} now.`,
  rejected: (row) => `${row.target} does not work with ${row.requester}${because(row)}`,
  ended: (row) => `${row.requester} and ${row.target} do not work together any more${because(row)}`,
  expired: ({ requester, target }) => `${target} has not answered ${requester} in time.`,
  message: () => "",
};
