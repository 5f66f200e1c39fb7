import type { ReadTx } from "../../kernel/db/database.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import type { Base } from "../base.ts";
import type { Author } from "./draft.ts";
import { type Behind, isAgentMade } from "./judge.ts";
import type { Links } from "./links.ts";
import type { Lineage } from "./row.ts";

/** No cause: the message begins a chain of its own. */
export const ROOT: Behind = { cause: undefined, workId: null };

/** The cause of a message. */
export function createCauses(base: Base, links: Links) {
  const { work: works, links: linkStore } = base.rows;
  function held(on: ReadTx, author: Author): Promise<Lineage | undefined> | undefined {
    const id = works.newestHeld(on, author.id);
    return id === undefined ? undefined : base.lineage(on, id);
  }

  /** A person answers the last message from the recipient. */
  async function toldBy(on: ReadTx, personId: AgentId, target: Target): Promise<Lineage | undefined> {
    const inbox = linkStore.mail(on, personId, 0).find((mail) => mail.target === personId);
    const told = inbox?.recent.find(([, from]) => from === target);
    return told && base.lineage(on, told[0]);
  }

  /** A bot continues the message in its chat that the channel has found. */
  async function ofBot(on: ReadTx, { bot }: Author, parent: Lineage | undefined): Promise<Behind> {
    const row = bot?.linkId == null ? undefined : await base.lineage(on, bot.linkId);
    const link = row && row.streak > 0 ? { row, until: null } : undefined;
    return { cause: parent ?? link?.row, workId: parent?.workId ?? null, link };
  }

  return {
    /** The cause, and the link that its turn is counted from. `isLater`: it was planned before. */
    async behind(on: ReadTx, author: Author, target: string, draft: Drafted, parent: Lineage | undefined) {
      const caused = draft.causedBy ? await base.lineage(on, draft.causedBy) : undefined;
      if (author.bot) return ofBot(on, author, parent);
      // Channel events come from outside. The relay's own messages follow from what they name.
      if (author.kind === "channel" || author.kind === "system") return plain(caused ?? parent);
      const isNothing = draft.causedBy === null;
      const holding = parent || caused || isNothing ? undefined : held(on, author);
      const under = holding && (await holding);
      if (!isAgentMade(author))
        return plain(caused ?? parent ?? under ?? (isNothing ? undefined : await toldBy(on, author.id, target)));
      const named = isNothing ? undefined : (parent ?? caused ?? under);
      const saying = { fromId: author.id, isByOperator: author.via !== null, target, named, isNothing };
      const finding = links.find(on, saying);
      const linked = finding instanceof Promise ? await finding : finding;
      const given = caused ?? parent ?? under;
      const cause = isNothing ? undefined : (given ?? linked.link?.row);
      return { ...linked, cause, workId: (parent ?? given)?.workId ?? null } satisfies Behind;
    },
  };
}

type Drafted = Pick<ParsedDraft, "causedBy">;

const plain = (cause: Lineage | undefined): Behind => ({ cause, workId: cause?.workId ?? null });
