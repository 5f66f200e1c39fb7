import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Entry } from "../../protocol/messages.ts";
import type { NewTurn, TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { isQuestion } from "../sessions/places.ts";
import { filesIn } from "./prompt.ts";

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

/** Turn for what a worker asks about the request of another turn. Its words go to the worker. */
export function questionFor({ id, agentId, sessionKey, plan }: TurnRow, entry: Entry): NewTurn {
  const task = entry.encoding === "opaque" ? "(encrypted)" : entry.body || "(no text)";
  return {
    ...{ agentId, sessionKey, kind: "message", messageId: entry.id },
    plan: {
      ...{ task, lane: "main", askedBy: id, answerTo: entry.id },
      ...(plan.model !== undefined && { model: plan.model }),
    },
  };
}

/** Whether others asked for the run of a turn: its result is for them, and no message is answered with its words. */
const isOfOthers = ({ kind, plan }: TurnRow): boolean => kind === "run" || plan.parentId !== undefined;

/** Whether a turn answers a message, whose dialogue gets the results of runs that it asked for as well. */
export const hasDialogue = (turn: TurnRow): boolean => !isOfOthers(turn) && turn.plan.tellTo === undefined;

interface AnswerParts {
  /** Says something to a turn that works, where its CLI can hear. */
  tell(turnId: string, text: string): void;
  /** Puts a turn into its lane. */
  begin(turn: TurnRow): void;
  /** The letter of a turn needs none. */
  reached(): void;
}

/**
 * Answers to what turns asked for by their tools, results of runs, and questions. Each waits for the end of the turn that asked. Where a
 * tool has handed the answer to that turn's model, and the turn ended well at its first attempt, it is dropped. Else it is a turn
 * in the same dialogue: of the run that asked, where that is of others. A question is told at once, and is a turn if it was not
 * answered by then.
 */
export function createAnswers(services: Services, { tell, begin, reached }: AnswerParts) {
  const { journal, link, time, life, log } = services;
  const letterOf = ({ agentId, messageId }: TurnRow): Entry | undefined =>
    messageId === null ? undefined : journal.letters.get(messageId, agentId)?.entry;
  /** Turns that wait, each with the one that asked; null once it is decided about. */
  const held = new Map<string, string | null>();

  /** Whether its model had the answer, and nothing of the turn was lost since. */
  const endedWell = ({ end, tries, plan }: TurnRow): boolean =>
    end?.outcome === "ok" && tries === 1 && !plan.wasCut && !plan.handedFrom;

  /** Whether a tool of the relay has handed a message over, or has answered it. */
  async function isHandedOver({ agentId, messageId }: TurnRow, kind: "response" | "request"): Promise<boolean> {
    const after = (messageId ?? 0) - 1;
    const read = () => link.of(agentId).client.inbox.read({ after, limit: 1, kind });
    const [item] = (await untilAnswered(time, read, life)).items;
    return item?.id === messageId && item.settled === true;
  }

  /**
   * Gives the answer to the run that asked, as a turn of its own; does nothing for a run that was stopped.
   * @returns false where the relay refuses
   */
  async function give(turn: TurnRow, { agentId, runId, end }: TurnRow, entry: Entry): Promise<boolean> {
    if (runId === null || end?.outcome === "aborted") return true;
    if (entry.kind === "announcement" && (await isWoken(agentId, runId, entry))) return true;
    const result = entry.payload?.announcement as { runId?: string } | undefined;
    const about = result
      ? `The result of ${result.runId}, by ${entry.from}`
      : `${entry.from} answers ${entry.payload?.delegationId}`;
    const text = `${about}:\n\n${turn.plan.task}`;
    const said = { id: `answer:${entry.id}`, text, files: filesIn(entry) };
    try {
      await untilAnswered(time, () => link.of(agentId).verbs.tell(runId, said), life);
      return true;
    } catch (error) {
      if (!(error instanceof RelayProblem)) throw error;
      log(`The answer ${entry.id} is no turn of ${runId}: ${error.message}`);
      return false;
    }
  }

  /** Whether the turn that wakes a run tells it of this result. */
  async function isWoken(agentId: string, runId: string, { createdAt }: Entry): Promise<boolean> {
    const { status, wakeOnSettle, wokenAt } = await untilAnswered(time, () => link.of(agentId).verbs.get(runId), life);
    if (wokenAt !== null) return wokenAt >= createdAt;
    return status === "waiting" && wakeOnSettle;
  }

  /** Whether nothing is left to do for it. */
  async function isOver(turn: TurnRow, asked: TurnRow | undefined): Promise<boolean> {
    const letter = letterOf(turn);
    if (letter && isQuestion(letter)) return isHandedOver(turn, "request");
    const isAnswer = letter?.kind === "response";
    if (isAnswer && asked && endedWell(asked) && (await isHandedOver(turn, "response"))) return true;
    return letter && asked && isOfOthers(asked) ? give(turn, asked, letter) : false;
  }

  /** The turn in the session that asked, or in the dialogue of that. */
  function placed(turn: TurnRow, asked: TurnRow | undefined): TurnRow["plan"] {
    const { askedBy: _, ...plan } = turn.plan;
    const session = asked?.sessionId ? journal.sessions.get(asked.sessionId) : undefined;
    const isAside = session !== undefined && session.demotedBy !== null;
    if (!asked || (asked.plan.lane === "main" && !isAside)) return plan;
    const isFed = turn.plan.answerTo !== turn.messageId;
    const feedTo = isFed ? (asked.plan.feedTo ?? (isAside ? asked.sessionKey : undefined)) : undefined;
    const name = asked.plan.name ?? session?.name;
    return {
      ...{ ...plan, lane: "background" },
      ...(name !== undefined && { name }),
      ...(session && { sessionId: session.id }),
      ...(feedTo !== undefined && { feedTo }),
    };
  }

  async function decide(turn: TurnRow, asked: TurnRow | undefined): Promise<void> {
    const isKnown = await isOver(turn, asked);
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
      const letter = letterOf(turn);
      held.set(turn.id, askedBy);
      if (asked === undefined || asked.state === "done") settle(turn, asked);
      else if (letter && isQuestion(letter)) tell(askedBy, wordsOf(letter));
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

/** A question as words into a turn. */
const wordsOf = ({ id, from, body, encoding, payload }: Entry): string =>
  `${from} asks about ${payload?.delegationId} (message ${id}; the tool reply answers it): ${encoding === "opaque" ? "(encrypted)" : body}`;
