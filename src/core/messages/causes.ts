import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import type { Base } from "../base.ts";
import type { Linked, Links } from "./links.ts";
import type { Lineage } from "./row.ts";
import type { Author } from "./send.ts";

/** The cause of a message. */
export interface Behind extends Linked {
  /** Stored in its row: the message it names, the work it is sent under, else its author's recent mail. */
  cause: Lineage | undefined;
  /** The nearest work or request that it lies inside. */
  workId: number | null;
}

/** A message on its way into the log, for the guard against loops. */
export interface Judged extends Behind {
  author: Author;
  /** What it replies to. */
  parent: Lineage | undefined;
  /** Set on a message that ends work or a request: it is never held back. */
  settles: boolean;
  /** Whether it is itself work, or a request that owes an answer. */
  isWork: boolean;
}

/** Its number of turns by agents in a row, and whether further messages are to be held back. */
export interface Verdict {
  streak: number;
  pause?: Pause | undefined;
}

/** Part of a conversation that agents may not go on with. */
export type Pause = "chain" | "thread";

/** Keeps agents from answering each other for ever. @throws Problem 429 loop-paused */
export type Judge = (tx: Tx, judged: Judged) => Promise<Verdict>;

/** Whether an agent or a bot speaks: not a person, not the relay. */
export const isAgentMade = ({ kind, bot }: Pick<Author, "kind" | "bot">): boolean =>
  kind === "provider" || kind === "orchestrator" || bot !== undefined;

/** Nothing: it begins a chain of its own. */
export const ROOT: Behind = { cause: undefined, workId: null };

/** Why something is said. */
export function createCauses(base: Base, links: Links) {
  const { messages: store, work: works, links: linkStore } = base.rows;
  async function held(on: Reading, author: Author): Promise<Lineage | undefined> {
    const id = await works.newestHeld(on, author.id);
    return id === undefined ? undefined : store.lineage(on, id);
  }

  /** A person answers the last message from the recipient. */
  async function toldBy(on: Reading, personId: AgentId, target: Target): Promise<Lineage | undefined> {
    const inbox = linkStore.mail(on, personId, 0).find((mail) => mail.target === personId);
    const told = inbox?.recent.find(([, from]) => from === target);
    return told && store.lineage(on, told[0]);
  }

  /** A bot continues the message in its chat that the channel has found. */
  async function ofBot(on: Reading, { bot }: Author, parent: Lineage | undefined): Promise<Behind> {
    const row = bot?.linkId == null ? undefined : await store.lineage(on, bot.linkId);
    const link = row && row.streak > 0 ? { row, until: null } : undefined;
    return { cause: parent ?? link?.row, workId: parent?.workId ?? null, link };
  }

  return {
    /** The cause, and the link that its turn is counted from. `isLater`: it was planned before. */
    async behind(on: Reading, author: Author, target: string, draft: Drafted, parent: Lineage | undefined) {
      const caused = draft.causedBy ? await store.lineage(on, draft.causedBy) : undefined;
      if (author.bot) return ofBot(on, author, parent);
      // Channel events come from outside. The relay's own messages follow from what they name.
      if (author.kind === "channel" || author.kind === "system") return plain(caused ?? parent);
      const isNothing = draft.causedBy === null;
      const under = parent || caused || isNothing ? undefined : await held(on, author);
      if (!isAgentMade(author))
        return plain(caused ?? parent ?? under ?? (isNothing ? undefined : await toldBy(on, author.id, target)));
      const named = isNothing ? undefined : (parent ?? caused ?? under);
      const linked = await links.find(on, {
        ...{ fromId: author.id, isByOperator: author.via !== null },
        ...{ target, named, isNothing },
      });
      const given = caused ?? parent ?? under;
      const cause = isNothing ? undefined : (given ?? linked.link?.row);
      return { ...linked, cause, workId: (parent ?? given)?.workId ?? null } satisfies Behind;
    },
  };
}

type Drafted = Pick<ParsedDraft, "causedBy">;

const plain = (cause: Lineage | undefined): Behind => ({ cause, workId: cause?.workId ?? null });
