import { RelayProblem } from "../client/errors.ts";
import { untilAnswered } from "../client/until-answered.ts";
import type { PermissionAnswer, PermissionRequest, SessionEvent } from "../harness/providers/provider.ts";
import { type Approval, ApprovalControl } from "../protocol/approvals.ts";
import { draftOf } from "./approval-drafts.ts";
import type { AskRow } from "./journal/approvals.ts";
import type { SessionRow } from "./journal/sessions.ts";
import type { Services } from "./services.ts";
import type { LiveSessions } from "./sessions/live.ts";
import { conversationOf } from "./sessions/places.ts";
import type { Turns } from "./turns/turns.ts";
import { isWatched } from "./turns/watched.ts";

export type Approvals = ReturnType<typeof createApprovals>;

/** Reason of a question that its CLI has taken back. */
const WENT_ON = "The agent went on without it.";

/** Questions of CLIs that people answer at the relay. */
export function createApprovals(services: Services, { live, turns }: { live: LiveSessions; turns: Turns }) {
  const { config, journal, link, time, life, log } = services;
  /** Questions that are open at their CLIs, by session and request. */
  const open = new Map<string, PermissionRequest>();
  /** Answers on their way to their CLIs, by session and request. */
  const handing = new Set<string>();
  const keyOf = (sessionId: string, requestId: string): string => `${sessionId}\n${requestId}`;

  async function ask(session: SessionRow, request: PermissionRequest): Promise<void> {
    const running = turns.in(session.id);
    open.set(keyOf(session.id, request.requestId), request);
    const kept = running && keptFor(running.turn.id, session.id, request);
    if (kept) return handKept(kept, request);
    const draft = draftOf(session, request, {
      runId: running?.handle?.id,
      conversation: conversationFor(running?.turn.plan.answerTo, session.agentId),
      expiresInSeconds: config.askSeconds,
    });
    let approval: Approval;
    try {
      // A CLI may use an id again, for another question.
      const idempotencyKey = `ask:${session.id}:${crypto.randomUUID()}`;
      approval = await untilAnswered(time, () => link.box.approvals.create(draft, { idempotencyKey }), life);
    } catch (error) {
      if (!(error instanceof RelayProblem)) throw error;
      log(`A question of session ${session.id} could not be asked: ${error.message}`);
      await hand(session.id, request.requestId, {
        decision: "deny",
        scope: "once",
        text: `Nobody could be asked: ${error.message}`,
      });
      return;
    }
    const row: AskRow = {
      ...{ id: approval.id, sessionId: session.id, turnId: running?.turn.id ?? "", requestId: request.requestId },
      ...{ hash: approval.hash, exact: request.exact, state: "asked", answer: null },
    };
    journal.write(() => journal.approvals.save(row));
    // A rule may have answered it at once.
    if (approval.state !== "pending") await heard(controlOf(approval));
    else if (!isOpen(session.id, request)) await withdraw(row, WENT_ON);
  }

  /** Whether a CLI waits for the answer: it may have taken its question back while the relay was asked. */
  const isOpen = (sessionId: string, { requestId, exact }: PermissionRequest): boolean =>
    open.get(keyOf(sessionId, requestId))?.exact === exact;

  /** Answer that a person gave while this daemon was away: to exactly this, in the same turn. */
  function keptFor(turnId: string, sessionId: string, { exact }: PermissionRequest): AskRow | undefined {
    return kept().find((row) => row.turnId === turnId && row.sessionId === sessionId && row.exact === exact);
  }

  /** Answers that wait for their question. */
  const kept = (): AskRow[] =>
    journal.approvals.open().filter(({ state, sessionId, requestId }) => {
      const key = keyOf(sessionId, requestId);
      return state === "answered" && !open.has(key) && !handing.has(key);
    });

  async function handKept(row: AskRow, { requestId }: PermissionRequest): Promise<void> {
    const again: AskRow = { ...row, requestId };
    journal.write(() => {
      journal.approvals.save({ ...row, state: "closed" });
      journal.approvals.save(again);
    });
    await apply(again, ApprovalControl.parse(JSON.parse(row.answer ?? "null")));
  }

  function conversationFor(answerTo: number | undefined, agentId: string) {
    const letter = answerTo === undefined ? undefined : journal.letters.get(answerTo, agentId);
    return letter && conversationOf(letter.entry);
  }

  /** @returns whether the CLI took it */
  async function hand(sessionId: string, requestId: string, answer: PermissionAnswer): Promise<boolean> {
    open.delete(keyOf(sessionId, requestId));
    const native = live.native(sessionId);
    return native ? native.answer(requestId, answer).catch(() => false) : false;
  }

  /** One answer is for every question that became this approval. */
  async function heard(control: ApprovalControl): Promise<void> {
    const rows = journal.approvals.of(control.id).filter(({ state }) => state === "asked");
    const isWithdrawn = control.state === "withdrawn";
    const change = isWithdrawn
      ? { state: "closed" as const }
      : { state: "answered" as const, answer: JSON.stringify(control) };
    journal.write(() => {
      for (const row of rows) journal.approvals.save({ ...row, ...change });
    });
    if (!isWithdrawn) await Promise.all(rows.map((row) => apply(row, control)));
  }

  async function apply(row: AskRow, control: ApprovalControl): Promise<void> {
    const request = open.get(keyOf(row.sessionId, row.requestId));
    const error = flawOf(row, control, request);
    const key = keyOf(row.sessionId, row.requestId);
    handing.add(key);
    const isTaken = error === undefined && (await hand(row.sessionId, row.requestId, answerOf(control)));
    const reason = error ?? (isTaken ? undefined : "The agent did not wait for it any more.");
    journal.write(() => journal.approvals.save({ ...row, state: "applied" }));
    handing.delete(key);
    const report = { ok: reason === undefined, ...(reason !== undefined && { error: reason }) };
    await untilAnswered(time, () => link.box.approvals.applied(row.id, report), life).catch(noted);
    if (control.state === "expired") await giveUp(row);
  }

  /** Ends a turn that nobody follows, once its question has waited for its whole time: what it holds is free again. */
  async function giveUp({ id, turnId }: AskRow): Promise<void> {
    const running = turns.get(turnId);
    if (!running || isWatched(services, running.turn, running.handle?.run)) return;
    const approval = await untilAnswered(time, () => link.box.approvals.get(id), life).catch(noted);
    const { endedAt = null, expiresAt = "", title } = approval ?? {};
    // One that nobody could be asked is only denied: nothing was held for it.
    if (endedAt !== null && Date.parse(endedAt) >= Date.parse(expiresAt))
      running.refuse(`"${title}" had to be allowed, and nobody answered in time.`);
  }

  async function withdraw(row: AskRow, reason: string): Promise<void> {
    const isLast = journal.write(() => {
      journal.approvals.save({ ...row, state: "closed" });
      return !journal.approvals.of(row.id).some(({ state }) => state === "asked" || state === "answered");
    });
    if (!isLast) return;
    await untilAnswered(time, () => link.box.approvals.withdraw(row.id, reason), life).catch(noted);
  }

  async function drop(row: AskRow): Promise<void> {
    journal.write(() => journal.approvals.save({ ...row, state: "closed" }));
    const report = { ok: false, error: "The daemon was restarted, and the agent did not ask again." };
    await untilAnswered(time, () => link.box.approvals.applied(row.id, report), life).catch(noted);
  }

  function noted(error: unknown): undefined {
    if (life.aborted) return undefined;
    if (!(error instanceof RelayProblem)) throw error;
    log(`The relay refused a word about an approval: ${error.message}`);
  }

  const inBackground = (work: Promise<void>): void =>
    void work.catch(
      (error) => life.aborted || log(`An approval failed: ${error instanceof Error ? error.message : error}`),
    );

  return {
    /** Observer of all sessions. */
    observe(session: SessionRow, event: SessionEvent): void {
      if (event.type === "ask") inBackground(ask(session, event.request));
      if (event.type !== "ask-withdrawn") return;
      open.delete(keyOf(session.id, event.requestId));
      const row = journal.approvals.byRequest(session.id, event.requestId);
      if (row) inBackground(withdraw(row, WENT_ON));
    },
    /** News of an approval from the relay. */
    heard: (control: ApprovalControl): void => inBackground(heard(control)),
    /**
     * Takes over what an earlier process asked. An answer given meanwhile is kept until its CLI asks the same again; a question without
     * one is withdrawn, for the CLI asks anew.
     */
    async takeOver(): Promise<void> {
      for (const row of journal.approvals.open()) {
        const approval = await untilAnswered(time, () => link.box.approvals.get(row.id), life).catch(noted);
        if (approval?.state === "answered" && approval.applied === null) {
          const answer = JSON.stringify(controlOf(approval));
          journal.write(() => journal.approvals.save({ ...row, state: "answered", answer }));
        } else await withdraw(row, "The session was begun again.");
      }
    },
    /** A turn is over: an answer whose question did not come again was for nothing. */
    over(turnId: string): void {
      for (const row of kept().filter((one) => one.turnId === turnId)) inBackground(drop(row));
    },
  };
}

/** Reason not to hand an answer over: another subject than the person saw. */
function flawOf(row: AskRow, { hash }: ApprovalControl, request: PermissionRequest | undefined): string | undefined {
  if (!request) return "The agent did not wait for it any more.";
  if (hash !== row.hash) return "The answer is about another subject than was asked.";
  if (request.exact !== row.exact) return "What would run has changed since it was asked.";
  return undefined;
}

function answerOf({ state, decision, scope, text, option, reason }: ApprovalControl): PermissionAnswer {
  if (state === "expired" || decision === null)
    return { decision: "deny", scope: "once", text: reason ?? "Nobody answered in time." };
  const said = decision === "answer" ? (text ?? option) : text;
  return { decision, scope: scope === "session" || scope === "always" ? "session" : "once", text: said };
}

const controlOf = ({ id, runId, sessionId, state, hash, answer, reason, options }: Approval): ApprovalControl => ({
  ...{ id, runId, sessionId, state, hash, reason, option: answer?.option ?? null, decision: answer?.decision ?? null },
  scope: options.find((one) => one.id === answer?.option)?.scope ?? null,
  text: answer?.text ?? null,
});
