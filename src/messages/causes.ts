import { isGroup } from "../agents/target.ts";
import type { Clock } from "../clock.ts";
import type { Reading, Tx } from "../db/database.ts";
import type { ParsedDraft } from "./schema.ts";
import type { Author } from "./send.ts";
import type { Lineage, MessageRow, MessageStore } from "./store.ts";
import type { WorkStore } from "./store-work.ts";

/** What a message follows from, for who guards against loops. */
export interface Behind {
  author: Author;
  /** What the sender named, or the work it is doing. */
  given: Lineage | undefined;
  /** What it has heard of late from whom it writes to (from anybody, if nothing); where that is not what was named. */
  heard: Lineage | undefined;
  /** What it replies to. */
  parent: Lineage | undefined;
  /** It ends something that is owed. */
  isAnswer: boolean;
}

/** What becomes of a message by that: how many by agents in a row it is, and whether more of that kind are to be kept back. */
export interface Verdict {
  streak: number;
  pause?: "chain" | "thread" | undefined;
}

/** Keeps agents from answering each other for ever. */
export interface LoopGuard {
  /** @throws Problem 429 loop-paused */
  judge(tx: Tx, behind: Behind): Promise<Verdict>;
  /** In the write that appended the message that was one too many. */
  pause(tx: Tx, row: MessageRow, what: "chain" | "thread"): Promise<void>;
}

/** What was heard is looked for beside what was named only when that is older than this, or is not from whom it goes to. */
const FRESH_MS = 60_000;

/** Whether it is agents that speak: not a person, not the relay, not the world outside. */
export const isAgentMade = ({ kind }: Pick<Author, "kind">): boolean => kind === "provider" || kind === "orchestrator";

/** Nothing: it begins a chain of its own. */
export const ROOT = { given: undefined, heard: undefined, cause: undefined };

/** Why something is said. */
export function createCauses(
  store: Pick<MessageStore, "lineage" | "heard">,
  works: Pick<WorkStore, "newestHeld">,
  clock: Clock,
) {
  /** The newest direct message from that target, else (for an agent) from anybody; a person's word since then counts more. */
  async function lately(on: Reading, author: Author, target: string) {
    if (isGroup(target) && !isAgentMade(author)) return undefined;
    const { fromTarget, fromAnybody, fromPerson } = await store.heard(on, author.id, target);
    const id = fromTarget ?? (isAgentMade(author) ? fromAnybody : null);
    const cause = id === null ? undefined : await store.lineage(on, id);
    return { cause, counts: cause && fromPerson !== null && fromPerson > cause.id ? { ...cause, streak: 0 } : cause };
  }

  return {
    /** The cause: given, else what it replies to, else the claim it is made under, else what was heard of late. */
    async behind(on: Reading, author: Author, target: string, draft: ParsedDraft, parent: Lineage | undefined) {
      const named = draft.causedBy ? await store.lineage(on, draft.causedBy) : parent;
      // What a channel brings in comes from outside: no work of its adapter is behind it.
      if (author.kind === "channel") return { given: named, heard: undefined, cause: named };
      const isFresh = named?.fromId === target && clock.now() - named.createdAt < FRESH_MS;
      if (isFresh || (named && !isAgentMade(author))) return { given: named, heard: undefined, cause: named };
      const held = named ? undefined : await works.newestHeld(on, author.id);
      const given = held === undefined ? named : await store.lineage(on, held);
      const heard = target === author.id ? undefined : await lately(on, author, target);
      return { given, heard: heard?.counts, cause: given ?? heard?.cause };
    },
  };
}
