import { isAgentMade, type Judged, type LoopGuard, type Verdict } from "../../core/messages/causes.ts";
import type { Link } from "../../core/messages/links.ts";
import type { Author, Sender } from "../../core/messages/send.ts";
import type { Lineage, MessageRow, MessageStore } from "../../core/messages/store.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import { readPage } from "../../kernel/pages.ts";
import type { Loop, LoopKind } from "../../protocol/loops.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { type LoopRow, loopStore as store } from "./store.ts";

/** What is too much. 0 turns a limit off. */
export interface LoopLimits {
  /** Turns by agents in a row. */
  chain: number;
  /** A link older than this carries nothing on. */
  windowMs: number;
  /** Replies of one agent in one thread within a minute. */
  threadPerMinute: number;
}

export interface GuardParts {
  agents: Pick<AgentService, "factsOf">;
  sender: Sender;
  messages: Pick<MessageStore, "replyAt" | "talkAt">;
  activity: ActivityService;
  clock: Clock;
  headOf(on: Reading): number;
  limits: LoopLimits;
}

const MINUTE_MS = 60_000;

export type GuardService = ReturnType<typeof createGuardService>;

/** Agents that answer each other without end are paused until a person looks at it; and people are told. */
export function createGuardService(parts: GuardParts) {
  const { agents, sender, messages, activity, clock, headOf, limits } = parts;
  const listeners: ((kind: LoopKind, what: "paused" | "resumed") => void)[] = [];
  const count = (kind: LoopKind, what: "paused" | "resumed") => {
    for (const listener of listeners) listener(kind, what);
  };

  async function judge(tx: Tx, judged: Judged): Promise<Verdict> {
    const { author, link, cut, cause, parent, settles } = judged;
    if (author.kind === "system") return { streak: 0 };
    if (!isAgentMade(author)) {
      if (cause) await goOn(tx, rootOf(cause), author.id);
      return { streak: 0 };
    }
    // The one message that ends what is owed takes the count of what it ends.
    if (settles) return { streak: Math.max(1, parent?.streak ?? 0) };
    if (cut && turnAfter(cut.row, author) >= limits.chain) await goOn(tx, rootOf(cut.row), cut.by);
    const chain = link ? await judgeChain(tx, author, link) : { streak: 1 };
    return chain.pause ? chain : { ...chain, pause: await judgeThread(tx, judged) };
  }

  /** A follow-up to one's own message is no turn; an answer to oneself is. */
  function turnAfter(row: Lineage, author: Author): number {
    const isOwn = row.fromId === author.id && row.target !== author.id;
    return row.streak + (isOwn ? 0 : 1);
  }

  /** At its limit a chain is paused; what would follow is refused, until somebody has resumed it: then it counts from 1. */
  async function judgeChain(tx: Tx, author: Author, { row, until }: Link): Promise<Verdict> {
    const isOld = clock.now() - row.createdAt >= limits.windowMs;
    const streak = turnAfter(row, author);
    if (limits.chain === 0 || streak < limits.chain) return { streak: isOld ? 1 : streak };
    const rootId = rootOf(row);
    const loop = await store.find(tx, rootId, "chain");
    if (loop && loop.resumedAt === null) {
      const wait = until === null ? undefined : Math.max(1, Math.ceil((until - clock.now()) / 1000));
      throw new Problem(
        "loop-paused",
        `The chain of message ${rootId} is paused: ${loop.streak} turns by agents in a row. ` +
          "An operator has to resume it, or a person write into it. A message that has nothing to do with it says causedBy: null.",
        wait === undefined ? {} : { retryAfterSeconds: wait },
      );
    }
    if (isOld || (loop && row.id <= (loop.resumedUpTo ?? 0))) return { streak: 1 };
    return { streak, pause: "chain" };
  }

  /** One agent that goes on and on in a thread. Many may answer there at once, and work is no talk. */
  async function judgeThread(tx: Tx, { author, parent, isWork }: Judged): Promise<"thread" | undefined> {
    const now = clock.now();
    if (!parent || isWork || limits.threadPerMinute === 0 || now - parent.createdAt >= MINUTE_MS) return undefined;
    const threadId = parent.threadId ?? parent.id;
    const skip = Math.max(0, limits.threadPerMinute - 2);
    const isYoung = (at: number | undefined) => at !== undefined && now - at < MINUTE_MS;
    // Asked first: it costs less, and most threads are quiet.
    if (!isYoung(await messages.replyAt(tx, threadId, skip))) return undefined;
    const first = await messages.talkAt(tx, threadId, author.id, skip);
    if (first === undefined || !isYoung(first)) return undefined;
    const loop = await store.find(tx, threadId, "thread");
    if (!loop || now - loop.pausedAt >= MINUTE_MS) return "thread";
    throw new Problem(
      "loop-paused",
      `Thread ${threadId} is paused for ${author.id}, which wrote ${limits.threadPerMinute} replies there within a minute. ` +
        "Wait until there are fewer.",
      { retryAfterSeconds: Math.ceil((first + MINUTE_MS - now) / 1000) },
    );
  }

  async function pause(tx: Tx, row: MessageRow, kind: LoopKind): Promise<void> {
    const now = clock.now();
    const rootId = kind === "chain" ? (row.rootId ?? row.id) : (row.threadId ?? row.id);
    const before = await store.find(tx, rootId, kind);
    // A chain is paused once until somebody resumes it; a thread may be a nuisance every minute.
    const isTold = kind === "thread" && before !== undefined && now - before.toldAt < limits.windowMs;
    await store.put(tx, {
      ...{ rootId, kind, messageId: row.id, fromId: row.fromId, target: row.target, streak: row.streak },
      ...{ pausedAt: now, toldAt: isTold ? before.toldAt : now },
      ...{ resumedAt: null, resumedBy: null, resumedPerson: null, resumedUpTo: before?.resumedUpTo ?? null },
    });
    tx.afterCommit(() => count(kind, "paused"));
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

  /** The operator and both sides, if they are agents. */
  async function tellAll(
    tx: Tx,
    row: Pick<MessageRow, "id" | "fromId" | "target">,
    said: { subject: string; body: string; payload: object },
  ) {
    for (const id of new Set(["user", row.fromId, row.target])) {
      const facts = isGroup(id) ? undefined : await agents.factsOf(tx, id);
      if (!facts || (facts.kind !== "user" && !isAgentMade(facts))) continue;
      await sender.tell(tx, id, { ...said, payload: { ...said.payload }, replyTo: row.id });
    }
  }

  /** A person wrote into it: what was said until then counts no more. */
  async function goOn(tx: Tx, rootId: number, by: string): Promise<LoopRow | undefined> {
    const loop = await store.find(tx, rootId, "chain");
    if (!loop || loop.resumedAt !== null) return undefined;
    const resumed = { ...loop, resumedAt: clock.now(), resumedBy: by, resumedUpTo: headOf(tx) };
    await store.put(tx, resumed);
    tx.afterCommit(() => count("chain", "resumed"));
    return resumed;
  }

  const guard: LoopGuard = { judge, pause };

  return {
    guard,

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
      // After the notices: who answers one of them begins to count anew.
      const resumed = (await goOn(tx, rootId, caller.tokenId)) ?? loop;
      await activity.record(tx, caller, "loop.resumed", String(rootId), { messageId: loop.messageId });
      return wire(resumed);
    },

    /** `GET /v1/loops`, newest first, for operators and viewers. @throws Problem 403 */
    async list(
      on: Reading,
      caller: Caller,
      status: "paused" | "resumed" | undefined,
      page: number | undefined,
      limit: number,
    ): Promise<List<Loop>> {
      if (!readsAll(caller)) throw new Problem("forbidden", "Loops are listed for operators and viewers.");
      const resumed = status && status === "resumed";
      const { items, more } = await readPage(
        limit,
        (count, last) => store.page(on, resumed, last?.messageId ?? page, count),
        wire,
      );
      return { items, nextPage: more ? String(items.at(-1)?.messageId) : null };
    },

    /** What of it belongs to a message's story. */
    async factsOf(on: Reading, messageId: number) {
      const rows = await store.byMessage(on, messageId);
      return rows.flatMap((row) => [
        { at: toTime(row.pausedAt), step: "paused" as const, rootId: row.rootId, kind: row.kind, streak: row.streak },
        ...(row.resumedAt === null
          ? []
          : [{ at: toTime(row.resumedAt), step: "resumed" as const, rootId: row.rootId, by: row.resumedBy }]),
      ]);
    },

    /** Told of each pause and its end, once it is on disk. */
    onEvent: (listener: (kind: LoopKind, what: "paused" | "resumed") => void) => listeners.push(listener),
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

const rootOf = (message: Lineage): number => message.rootId ?? message.id;
