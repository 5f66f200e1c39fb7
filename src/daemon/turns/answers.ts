import { untilAnswered } from "../../client/until-answered.ts";
import type { Entry } from "../../protocol/messages.ts";
import type { NewTurn, TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";

/** Turn for the answer to what a tool of another turn asked for. Its words go where that turn's go. */
export function answerFor({ id, agentId, sessionKey, plan }: TurnRow, entry: Entry): NewTurn {
  const { answerTo, tellTo, model } = plan;
  const task = entry.encoding === "opaque" ? "(encrypted)" : entry.body || "(no text)";
  return {
    ...{ agentId, sessionKey, kind: "message", messageId: entry.id },
    plan: {
      ...{ task, lane: "main", askedBy: id },
      ...(answerTo !== undefined && { answerTo }),
      ...(tellTo !== undefined && { tellTo }),
      ...(model !== undefined && { model }),
    },
  };
}

interface AnswerParts {
  /** Puts a turn into its lane. */
  begin(turn: TurnRow): void;
  /** The letter of a turn needs none. */
  reached(): void;
}

/**
 * Answers to what turns asked for by their tools. Each waits for the end of the turn that asked. Where a tool has handed it to
 * that turn's model, and the turn ended well at its first attempt, it is dropped. Else it is a turn in the same dialogue.
 */
export function createAnswers(services: Services, { begin, reached }: AnswerParts) {
  const { journal, link, time, life, log } = services;
  /** Turns that wait, each with the one that asked; null once it is decided about. */
  const held = new Map<string, string | null>();

  /** Whether its model had the answer, and nothing of the turn was lost since. */
  const endedWell = ({ end, tries, plan }: TurnRow): boolean =>
    end?.outcome === "ok" && tries === 1 && !plan.wasCut && !plan.handedFrom;

  /** Whether a tool of the relay has handed a message over. */
  async function isHandedOver({ agentId, messageId }: TurnRow): Promise<boolean> {
    const after = (messageId ?? 0) - 1;
    const read = () => link.of(agentId).client.inbox.read({ after, limit: 1, kind: "response" });
    const [item] = (await untilAnswered(time, read, life)).items;
    return item?.id === messageId && item.settled === true;
  }

  /** The turn in the session that asked, or in the dialogue of that. */
  function placed(turn: TurnRow, asked: TurnRow | undefined): TurnRow["plan"] {
    const { askedBy: _, ...plan } = turn.plan;
    const session = asked?.sessionId ? journal.sessions.get(asked.sessionId) : undefined;
    const isAside = session !== undefined && session.demotedBy !== null;
    if (!asked || (asked.plan.lane === "main" && !isAside)) return plan;
    const feedTo = asked.plan.feedTo ?? (isAside ? asked.sessionKey : undefined);
    const name = asked.plan.name ?? session?.name;
    return {
      ...{ ...plan, lane: "background" },
      ...(name !== undefined && { name }),
      ...(session && { sessionId: session.id }),
      ...(feedTo !== undefined && { feedTo }),
    };
  }

  async function decide(turn: TurnRow, asked: TurnRow | undefined): Promise<void> {
    const isKnown = asked !== undefined && endedWell(asked) && (await isHandedOver(turn));
    life.throwIfAborted();
    const next = journal.write(() => {
      if (!isKnown) return journal.turns.change(turn.id, { plan: placed(turn, asked) });
      if (turn.messageId !== null) journal.letters.mark(turn.messageId, turn.agentId, "done");
      return journal.turns.change(turn.id, { state: "done", endedAt: time.wall() });
    });
    held.delete(turn.id);
    if (isKnown) reached();
    else begin(next);
  }

  function settle(turn: TurnRow, asked: TurnRow | undefined): void {
    held.set(turn.id, null);
    decide(turn, asked).catch((error) => {
      if (life.aborted) return;
      log(`Message ${turn.messageId} gets a turn: ${error instanceof Error ? error.message : error}`);
      held.delete(turn.id);
      begin(turn);
    });
  }

  return {
    /** Puts a stored turn into its lane, at once unless it has to wait for the end of another. */
    offer(turn: TurnRow): void {
      const { askedBy } = turn.plan;
      if (askedBy === undefined) {
        begin(turn);
        return;
      }
      if (held.has(turn.id)) return;
      const asked = journal.turns.get(askedBy);
      held.set(turn.id, askedBy);
      if (asked === undefined || asked.state === "done") settle(turn, asked);
    },
    has: (id: string): boolean => held.has(id),
    /** A turn is over: decides about the answers that waited for it. */
    over(asked: TurnRow): void {
      for (const [id, askedBy] of [...held]) {
        const turn = askedBy === asked.id ? journal.turns.get(id) : undefined;
        if (turn) settle(turn, journal.turns.get(asked.id));
      }
    },
  };
}
