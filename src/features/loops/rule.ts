import type { Author } from "../../core/messages/draft.ts";
import type { Link } from "../../core/messages/judge.ts";
import { isAgentMade, type Judged, type Verdict } from "../../core/messages/judge.ts";
import type { Lineage } from "../../core/messages/row.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { LoopKind } from "../../protocol/loops.ts";
import { Problem } from "../../protocol/problem.ts";
import { createLoopStore, type LoopRow } from "./store.ts";
import { createTalkStore } from "./store-talk.ts";

/** Limits of the loop rule. 0 turns a limit off. */
export interface LoopLimits {
  /** Turns by agents in a row. */
  chain: number;
  /** A link older than this carries nothing on. */
  windowMs: number;
  /** Replies of one agent in one thread within a minute. */
  threadPerMinute: number;
}

/** The usual verdict: nothing that an agent has heard carries on with this message. */
const FIRST: Verdict = { streak: 1 };

export const MINUTE_MS = 60_000;

export type LoopRule = ReturnType<typeof createLoopRule>;

/** Counts turns by agents in a row, and refuses those beyond the limits. It needs nothing above the kernel. */
export function createLoopRule({ clock, hooks, headOf }: Kernel, limits: LoopLimits) {
  const store = createLoopStore();
  const talk = createTalkStore();
  /** A loop was paused or resumed. */
  const changed = hooks.event<[kind: LoopKind, what: "paused" | "resumed"]>("loops.changed");

  function judge(tx: Tx, judged: Judged): Promise<Verdict> | Verdict {
    const { author, link, cut, parent, settles } = judged;
    const isFirst = link === undefined && cut === undefined && parent === undefined && !settles;
    return isFirst && isAgentMade(author) ? FIRST : weigh(tx, judged);
  }

  async function weigh(tx: Tx, judged: Judged): Promise<Verdict> {
    const { author, link, cut, cause, parent, settles } = judged;
    if (author.kind === "system") return { streak: 0 };
    if (!isAgentMade(author)) {
      if (cause) await goOn(tx, rootOf(cause), author.id);
      return { streak: 0 };
    }
    // The message that ends a request takes the count of that request.
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

  /** Pauses a chain at its limit and refuses what follows. A resumed chain counts from 1. */
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

  /** Judges the rate of one agent in a thread. Work is not counted. */
  async function judgeThread(tx: Tx, { author, parent, isWork }: Judged): Promise<"thread" | undefined> {
    const now = clock.now();
    if (!parent || isWork || limits.threadPerMinute === 0 || now - parent.createdAt >= MINUTE_MS) return undefined;
    const threadId = parent.threadId ?? parent.id;
    const skip = Math.max(0, limits.threadPerMinute - 2);
    const isYoung = (at: number | undefined) => at !== undefined && now - at < MINUTE_MS;
    // First the cheaper query: most threads are quiet.
    if (!isYoung(await talk.replyAt(tx, threadId, skip))) return undefined;
    const first = await talk.talkAt(tx, threadId, author.id, skip);
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

  /** Resumes a chain: its messages until now count no more. */
  async function goOn(tx: Tx, rootId: number, by: string, person: string | null = null): Promise<LoopRow | undefined> {
    const loop = await store.find(tx, rootId, "chain");
    if (!loop || loop.resumedAt !== null) return undefined;
    const resumed = { ...loop, resumedAt: clock.now(), resumedBy: by, resumedPerson: person, resumedUpTo: headOf(tx) };
    await store.put(tx, resumed);
    await changed.raise(tx, "chain", "resumed");
    return resumed;
  }

  return { judge, goOn, changed, limits, store };
}

const rootOf = (message: Lineage): number => message.rootId ?? message.id;
