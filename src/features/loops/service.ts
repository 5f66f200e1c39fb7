import type { Areas } from "../../core/core.ts";
import { isAgentMade } from "../../core/messages/judge.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { Loop, LoopKind } from "../../protocol/loops.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { type LoopRule, MINUTE_MS } from "./rule.ts";
import type { LoopRow } from "./store.ts";

export type LoopService = ReturnType<typeof createLoopService>;

/** Pauses of agents that answer each other without end: notices, list and resumption. */
export function createLoopService({ kernel, identity, core }: Areas, rule: LoopRule) {
  const { clock } = kernel;
  const { activity, directory } = identity;
  const { messages } = core;
  const { changed, limits, store } = rule;

  /** Holds back messages that would follow the one beyond the limit. */
  function pause(tx: Tx, row: MessageRow, _work: unknown, kind: LoopKind | undefined): Promise<void> | undefined {
    return kind && pauseBy(tx, row, kind);
  }

  async function pauseBy(tx: Tx, row: MessageRow, kind: LoopKind): Promise<void> {
    const now = clock.now();
    const rootId = kind === "chain" ? (row.rootId ?? row.id) : (row.threadId ?? row.id);
    const before = await store.find(tx, rootId, kind);
    // A chain pauses once until it is resumed; a thread may pause every minute.
    const isTold = kind === "thread" && before !== undefined && now - before.toldAt < limits.windowMs;
    await store.put(tx, {
      ...{ rootId, kind, messageId: row.id, fromId: row.fromId, target: row.target, streak: row.streak },
      ...{ pausedAt: now, toldAt: isTold ? before.toldAt : now },
      ...{ resumedAt: null, resumedBy: null, resumedPerson: null, resumedUpTo: before?.resumedUpTo ?? null },
    });
    await changed.raise(tx, kind, "paused");
    if (isTold) return;
    const why =
      kind === "chain"
        ? `Message ${row.id} from ${row.fromId} to ${row.target} is turn ${row.streak} by agents in a row, with no person in between. ` +
          `What would follow is refused until an operator resumes it (POST /v1/loops/${rootId}/resume) or a person writes into it.`
        : `Message ${row.id} from ${row.fromId} to ${row.target} is one of ${limits.threadPerMinute} replies of this agent within a minute. ` +
          "More are refused until there are fewer.";
    await tellAll(tx, row, {
      subject: kind === "chain" ? `The chain of message ${rootId} is paused` : `Thread ${rootId} is paused`,
      body: why,
      payload: { rootId, kind, messageId: row.id, streak: row.streak },
    });
  }

  /** Tells the operator, and both sides if they are agents. */
  async function tellAll(
    tx: Tx,
    row: Pick<MessageRow, "id" | "fromId" | "target">,
    said: { subject: string; body: string; payload: object },
  ) {
    for (const id of new Set(["user", row.fromId, row.target])) {
      const facts = isGroup(id) ? undefined : directory.facts(tx, id);
      if (!facts || (facts.kind !== "user" && !isAgentMade(facts))) continue;
      await messages.tell(tx, id, { ...said, payload: { ...said.payload }, replyTo: row.id });
    }
  }

  return {
    pause,

    /** `POST /v1/loops/{rootId}/resume`: again is no change. @throws Problem 403, 404 */
    async resume(tx: Tx, caller: Caller, rootId: number): Promise<Loop> {
      requireOperator(caller);
      const loop = await store.find(tx, rootId, "chain");
      if (!loop) throw new Problem("not-found", `The chain of message ${rootId} was never paused.`);
      if (loop.resumedAt !== null) return wire(loop);
      await tellAll(
        tx,
        { id: loop.messageId, fromId: loop.fromId, target: loop.target },
        {
          subject: `The chain of message ${rootId} goes on`,
          body: `An operator has resumed it. What was refused meanwhile was not stored: say it again if it still matters.`,
          payload: { rootId, kind: "chain", messageId: loop.messageId },
        },
      );
      // After the notices: an answer to one of them counts from 1.
      const resumed = (await rule.goOn(tx, rootId, caller.tokenId, caller.personId)) ?? loop;
      await activity.record(tx, caller, "loop.resumed", String(rootId), { messageId: loop.messageId });
      return wire(resumed);
    },

    /** `GET /v1/loops`, newest first, for operators and viewers. @throws Problem 403 */
    async list(
      on: ReadTx,
      caller: Caller,
      { status, page, limit }: PageQuery<string> & { status?: "paused" | "resumed" | undefined },
    ): Promise<List<Loop>> {
      if (!readsAll(caller)) throw new Problem("forbidden", "Loops are listed for operators, members and viewers.");
      const resumed = status && status === "resumed";
      return readList(
        { limit, page: page === undefined ? undefined : Number(page) },
        (count, before) => store.page(on, resumed, before, count),
        wire,
        ({ messageId }) => messageId,
      );
    },

    /** Facts for a message's story. */
    async factsOf(on: ReadTx, messageId: number) {
      const rows = await store.byMessage(on, messageId);
      return rows.flatMap((row) => [
        { at: toTime(row.pausedAt), step: "paused" as const, rootId: row.rootId, kind: row.kind, streak: row.streak },
        ...(row.resumedAt === null
          ? []
          : [{ at: toTime(row.resumedAt), step: "resumed" as const, rootId: row.rootId, by: row.resumedBy }]),
      ]);
    },
  };

  function wire(row: LoopRow): Loop {
    const endsAt = row.kind === "thread" ? row.pausedAt + MINUTE_MS : null;
    const isEnded = endsAt !== null && endsAt <= clock.now();
    const { rootId, kind, messageId, fromId: from, target: to, streak, resumedBy } = row;
    return {
      ...{ rootId, kind, status: isEnded ? "ended" : row.resumedAt === null ? "paused" : "resumed" },
      ...{ messageId, from, to, streak, pausedAt: toTime(row.pausedAt), endsAt: toTimeOrNull(endsAt) },
      ...{ resumedAt: toTimeOrNull(row.resumedAt), resumedBy },
    };
  }
}
