import { RelayProblem } from "../../client/errors.ts";
import { headOf } from "../../client/text.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import { withLinks } from "../../protocol/link-text.ts";
import type { MessageDraft } from "../../protocol/messages.ts";
import type { RunFinish, RunLink } from "../../protocol/runs.ts";
import { type Observations, placesOf } from "../git/observations.ts";
import type { NewTurn, TurnEnd, TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { nameOf } from "../sessions/names.ts";
import { conversationOf } from "../sessions/places.ts";
import type { Reporter } from "../sessions/reporter.ts";
import { uploadFiles } from "./files.ts";
import { fitted, isBody, isResult } from "./fitted.ts";

export type Settle = ReturnType<typeof createSettle>;

export interface SettleParts {
  /** Puts turns into the journal, in the open write. */
  later(turns: NewTurn[]): TurnRow[];
  observations: Observations;
  reporter: Reporter;
}

/** Hands the stored end of a turn to whom it is for. Every step may be repeated: after a crash it begins anew. */
export function createSettle(services: Services, { later, observations, reporter }: SettleParts) {
  const { journal, link, time, life, log } = services;

  /** Repeats while the relay is away. @returns undefined when it refused */
  async function asked<T>(about: string, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await untilAnswered(time, call, life);
    } catch (error) {
      if (life.aborted || !(error instanceof RelayProblem)) throw error;
      log(`${about} was refused: ${error.message}`);
      return undefined;
    }
  }

  async function finish(turn: TurnRow, end: TurnEnd, result: string, files: string[]): Promise<void> {
    const { agentId, runId, token } = turn;
    if (!runId || !token) return;
    const { verbs } = link.of(agentId);
    const { outcome, errorCode, error } = end;
    const isSilent = outcome === "ok" && (end.silent === true || (result === "" && files.length === 0));
    const body = {
      outcome,
      ...(errorCode && { errorCode }),
      ...(error && { error: headOf(error, 4096) }),
      ...(isSilent ? { silent: true } : outcome === "ok" && { result }),
      ...(files.length > 0 && { files }),
      ...(end.observed?.links.length && { links: end.observed.links }),
    };
    const ended = (asError: Pick<RunFinish, "errorCode" | "error">) =>
      verbs.finish(runId, { outcome: "error", ...asError }, { run: token });
    await asked(`The end of ${runId}`, async () => {
      try {
        await verbs.finish(runId, body, { run: token });
      } catch (problem) {
        if (!(problem instanceof RelayProblem)) throw problem;
        if (problem.code === "required-result")
          await ended({ errorCode: "no-result", error: "The agent said nothing." });
        else if (isUnfit(problem)) await ended({ errorCode: "unknown", error: undelivered(problem) });
        else throw problem;
      }
    });
  }

  /** Answers the message that the turn worked on, else tells who asked for it. @returns the id of the answer */
  async function reply(turn: TurnRow, end: TurnEnd, body: string, files: string[]): Promise<number | undefined> {
    const letter = turn.plan.answerTo === undefined ? undefined : journal.letters.get(turn.plan.answerTo, turn.agentId);
    const to = letter?.entry.from ?? turn.plan.tellTo;
    if (to === undefined || end.silent || (body === "" && files.length === 0)) return undefined;
    const links = letter && conversationOf(letter.entry) ? linksOf(turn, end) : [];
    const isFit = (text: string) => isBody(withLinks(text, links));
    const said = await fitted(services, { agentId: turn.agentId, text: body, files, isFit });
    const payload = {
      ...(said.files.length > 0 && { files: said.files.map((fileId) => ({ fileId })) }),
      ...(end.buttons?.length && { buttons: end.buttons }),
    };
    const draft = {
      ...{ to, body: withLinks(said.text, links), idempotencyKey: `answer:${turn.id}` },
      ...(letter && { replyTo: letter.entry.id }),
    };
    const send = (one: MessageDraft & { deliverAt?: undefined }) =>
      link.of(turn.agentId).client.messages.send(one, { ...(turn.token && { run: turn.token }) });
    const sent = await asked(`The answer of turn ${turn.id}`, async () => {
      try {
        return await send({ ...draft, ...(Object.keys(payload).length > 0 && { payload }) });
      } catch (problem) {
        if (!(problem instanceof RelayProblem && isUnfit(problem))) throw problem;
        const text = `[Error] ${undelivered(problem)}`;
        return await send({ ...draft, body: text, idempotencyKey: `answer:${turn.id}:refused` });
      }
    });
    return sent?.id;
  }

  /** Turns that come of this one: its result for the main session, and work beside it. */
  function following(turn: TurnRow, end: TurnEnd, text: string): NewTurn[] {
    const { agentId, plan, runId } = turn;
    const sessionKey = plan.feedTo ?? turn.sessionKey;
    const { answerTo } = plan;
    const name = plan.name ?? nameOf(plan.task);
    const fed: NewTurn[] = [
      {
        ...{ agentId, sessionKey, kind: "feed" },
        plan: {
          task: `Result of the background work ${name}`,
          lane: "main",
          ...(answerTo !== undefined && { answerTo }),
          feedOf: { runId: runId ?? turn.id, name, text: withExtras(text, end), links: linksOf(turn, end) },
        },
      },
    ];
    const beside = named(end.background ?? []).map(
      ({ name, prompt, model }): NewTurn => ({
        ...{ agentId, sessionKey: `bg:${name}`, kind: "spawn" },
        plan: {
          ...{ task: prompt, lane: "background", name, feedTo: sessionKey },
          ...(model !== undefined && { model }),
          ...(answerTo !== undefined && { answerTo }),
        },
      }),
    );
    return [...(end.way === "feed" ? fed : []), ...beside];
  }

  /** Whether the relay offers work again, whose attempt has failed: this agent may be the only one that it is for. */
  async function isOfferedAgain({ messageId, agentId }: TurnRow, { outcome }: TurnEnd): Promise<boolean> {
    const letter = messageId === null ? undefined : journal.letters.get(messageId, agentId)?.entry;
    if (!letter?.claimable || outcome === "ok" || outcome === "aborted") return false;
    const found = await asked(`Message ${letter.id}`, () => link.of(agentId).client.messages.get(letter.id));
    return found?.state === "open" || found?.state === "delayed";
  }

  /** The end with what was seen of the turn from outside, looked at once. */
  async function observed(turn: TurnRow, end: TurnEnd): Promise<TurnEnd> {
    const session = turn.sessionId === null ? undefined : journal.sessions.get(turn.sessionId);
    if (end.observed || !session) return end;
    const seen = { ...end, observed: await observations.end(turn, session) };
    life.throwIfAborted();
    journal.write(() => {
      journal.turns.change(turn.id, { end: seen });
      journal.looks.remove(turn.id);
    });
    const evidence = placesOf(seen.observed);
    const more = { links: observations.linksOf(session), seen: seen.observed.seen, ...(evidence && { evidence }) };
    void reporter.report(session.id, { project: seen.observed.project }, more);
    return seen;
  }

  return {
    /** Resolves when the relay has everything of the turn. @returns the turns that follow */
    async settle(turn: TurnRow): Promise<TurnRow[]> {
      if (!turn.end) throw new Error(`turn ${turn.id} has no end`);
      const end = await observed(turn, turn.end);
      const session = turn.sessionId === null ? undefined : journal.sessions.get(turn.sessionId);
      const cwd = session?.cwd ?? services.config.workspace;
      const { ids, missing } = await uploadFiles(services, { agentId: turn.agentId, cwd, paths: end.files ?? [] });
      const body = textOf(end, missing);
      const own = { agentId: turn.agentId, files: end.way === "reply" ? [] : ids };
      const result = await fitted(services, { ...own, text: body, isFit: isResult });
      await finish(turn, end, result.text, result.files);
      const answer = [body, begunText(end)].filter(Boolean).join("\n\n");
      const answerId = end.way === "reply" ? await reply(turn, end, answer, ids) : undefined;
      const next = following(turn, end, body);
      const isAgain = await isOfferedAgain(turn, end);
      return journal.write(() => {
        const done = { state: "done" as const, endedAt: time.wall(), answerId: answerId ?? null };
        // The message belongs to the turn of its next attempt.
        journal.turns.change(turn.id, isAgain ? { ...done, messageId: null } : done);
        if (turn.messageId !== null && !isAgain) journal.letters.mark(turn.messageId, turn.agentId, "done");
        const left = untaken(journal.turns.get(turn.id) ?? turn);
        return later([...next, ...left, ...(isAgain ? [attemptOf(turn)] : [])]);
      });
    },
  };
}

/** Whether the relay cannot take what was said, to anybody and at any time. */
const isUnfit = ({ code }: RelayProblem): boolean => ["invalid", "too-large", "not-json", "reserved"].includes(code);

/** Sentence for whoever waits for an answer that the relay does not take. */
const undelivered = ({ message }: RelayProblem): string =>
  headOf(`The answer could not be delivered: ${message}`, 4096);

/** The next attempt at the work of a turn. */
function attemptOf({ agentId, sessionKey, kind, messageId, plan }: TurnRow): NewTurn {
  const { refused: _, waitingRun: __, failures = 0, ...rest } = plan;
  return {
    ...{ agentId, sessionKey, kind, plan: { ...rest, failures: failures + 1 } },
    ...(messageId !== null && { messageId }),
  };
}

/** The turn of a run that waits still: the turn of its message had begun one of its own already. */
function untaken({ agentId, sessionKey, runId, plan: { waitingRun } }: TurnRow): NewTurn[] {
  if (waitingRun === undefined || waitingRun === runId) return [];
  return [{ agentId, sessionKey, kind: "run", runId: waitingRun, plan: { task: "", lane: "main" } }];
}

/** Links of a turn, and of the background work whose result it was fed. */
const linksOf = ({ plan }: TurnRow, { observed }: TurnEnd): RunLink[] => [
  ...(plan.feedOf?.links ?? []),
  ...(observed?.links ?? []),
];

/** Text of a result for another session, with the buttons and the files that it may send along. */
function withExtras(text: string, { files = [], buttons = [] }: TurnEnd): string {
  const labels = buttons.flat().map((button) => button.text);
  const named = (what: string, list: string[]) => (list.length > 0 ? `${what}: ${list.join(", ")}` : "");
  return [text, named("Buttons", labels), named("Files", files)].filter(Boolean).join("\n\n");
}

/** Text of an answer: of a failure its sentence, and what was said before it. */
function textOf({ outcome, text, error, errorCode }: TurnEnd, missing: string[]): string {
  const failure = outcome === "error" || outcome === "timeout" ? `[Error] ${error ?? errorCode ?? outcome}` : "";
  const lost = missing.length > 0 ? `[Not there: ${missing.join(", ")}]` : "";
  return [text, failure, lost].filter(Boolean).join("\n\n");
}

/** Words to a person on work that begins beside. */
const begunText = ({ background = [] }: TurnEnd): string =>
  background.length === 0
    ? ""
    : `Begun beside this: ${named(background)
        .map((one) => one.name)
        .join(", ")}.`;

/** Work beside, under names that may stand in our own words: a model chose them. */
const named = <One extends { name: string }>(list: readonly One[]): One[] =>
  list.map((one) => ({ ...one, name: nameOf(one.name) }));
