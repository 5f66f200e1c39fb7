import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import { deadlines } from "../../kernel/due/source.ts";
import type { DelegationChange, DelegationStatus } from "../../protocol/delegations.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { isProgress } from "../../protocol/progress.ts";
import { isSilence } from "../../protocol/silence.ts";
import type { DelegationRow } from "./row.ts";
import type { DelegationStore } from "./store.ts";

/** Shortest time to a deadline after an absence of the relay. */
const GRACE_MS = 30_000;
/** Delegations ended in one write when their asker or target is deleted. */
const SLICE = 200;
const DROP = "delegation.drop";
const SYSTEM: Author = { id: "system", kind: "system", via: null };

type Unanswered = Exclude<DelegationStatus, "pending" | "claimed" | "answered">;

export const isOpen = ({ status }: DelegationRow): boolean => status === "pending" || status === "claimed";
/** Whether it waits for an approval: its target has not heard of it. */
export const isHeld = ({ approvalId, firstId }: DelegationRow): boolean => approvalId !== null && firstId === null;
/** Agent that may answer and report: the target, or the member of the group that claimed the request. */
export const workerOf = (row: DelegationRow): string | null =>
  isHeld(row) ? null : isGroup(row.target) ? row.holder : row.target;
/** Whether an answer is still taken: a delegation that ended without one takes a late one. */
export const isOwed = ({ answeredBy }: DelegationRow): boolean => answeredBy === null || answeredBy === "system";

export type DelegationOutcomes = ReturnType<typeof createOutcomes>;

/** Outcomes of delegations. Each one sends the asker an answer. */
export function createOutcomes({ kernel, identity, core }: Areas, store: DelegationStore) {
  const { clock, due, headOf, hooks } = kernel;
  const { directory } = identity;
  const { messages } = core;
  const { rows: works, leases } = core.work;
  /** A delegation was made, changed its holder, or ended. */
  const changed = hooks.event<[change: DelegationChange, step: DelegationStep]>("delegations.changed");
  /** Delegations that owe an answer: counted once, then kept. */
  let open = 0;

  async function tell(tx: Tx, row: DelegationRow, before?: DelegationRow): Promise<void> {
    const step = stepOf(row, before);
    tx.afterCommit(() => {
      if (step.isNew) open++;
      if (step.ended !== undefined) open--;
    });
    await changed.raise(tx, toChange(row), step);
  }

  async function save(tx: Tx, row: DelegationRow, before: DelegationRow): Promise<DelegationRow> {
    await store.end(tx, row);
    await tell(tx, row, before);
    return row;
  }

  /** Ends a delegation without an answer: the asker gets the relay's. */
  async function fail(
    tx: Tx,
    row: DelegationRow,
    status: Unanswered,
    error: string,
    cancelledPerson: string | null = null,
  ): Promise<DelegationRow> {
    const now = clock.now();
    const sent = await messages.post(tx, SYSTEM, {
      to: row.fromId,
      kind: "response",
      replyTo: row.messageId,
      subject: `Delegation ${row.id} ${status === "timed-out" ? "timed out" : status}`,
      body: error,
      payload: { delegationId: row.id, delegation: { status, late: false, error, ...askedIn(row) } },
    });
    const answer = { answerId: sent?.entry.id ?? null, answeredBy: "system", answeredAt: now, error };
    return save(tx, { ...row, ...answer, cancelledPerson, status, endedAt: now, endedUpTo: headOf(tx) }, row);
  }

  /** Delegation that a draft answers, if it answers one. */
  async function answeredBy(on: ReadTx, author: string, draft: ReplyDraft, target: string) {
    const { replyTo } = draft;
    if (!replyTo || !mayAnswer(author, draft)) return undefined;
    const row = await store.byMessage(on, replyTo);
    const isAnswer = row?.fromId === target && workerOf(row) === author && isOwed(row);
    return isAnswer && (await holdsIt(on, row)) ? row : undefined;
  }

  /** A worker whose lease of a group's request has run out answers it no more, even before the relay ends that lease. */
  async function holdsIt(on: ReadTx, row: DelegationRow): Promise<boolean> {
    if (!isGroup(row.target) || !isOpen(row)) return true;
    const work = await works.byId(on, row.messageId);
    return work?.state !== "claimed" || (work.dueAt ?? 0) > clock.now();
  }

  /** Puts into an answer which delegation it is of, and whether it is late. @throws Problem 422 required-result for silence */
  function markAnswer(on: ReadTx, author: Author, draft: ParsedDraft, target: string) {
    return mayAnswer(author.id, draft) && !isProgress(draft.payload) ? marked(on, author, draft, target) : undefined;
  }

  async function marked(
    on: ReadTx,
    author: Author,
    draft: ParsedDraft,
    target: string,
  ): Promise<ParsedDraft | undefined> {
    const row = await answeredBy(on, author.id, draft, target);
    if (!row) return undefined;
    const error = errorIn(draft.payload);
    if (error === null && isSilence(draft.body))
      throw new Problem(
        "required-result",
        `${row.id} owes an answer: ${draft.body.trim()} is none. Send the answer, or an error that says why there is none.`,
      );
    const late = !isOpen(row);
    const status: DelegationStatus = late ? row.status : error === null ? "answered" : "failed";
    return {
      ...draft,
      kind: "response",
      subject: draft.subject ?? (late ? `Late answer to ${row.id}` : null),
      payload: { ...draft.payload, delegationId: row.id, delegation: { status, late, error, ...askedIn(row) } },
    };
  }

  /** Ends the delegation that an appended message answers, and its work. */
  function settle(tx: Tx, message: MessageRow): Promise<void> | undefined {
    return message.kind === "response" ? settleBy(tx, message) : undefined;
  }

  async function settleBy(tx: Tx, message: MessageRow): Promise<void> {
    const row = await answeredBy(tx, message.fromId, message, message.target);
    if (!row) return;
    const error = errorIn(message.payload === null ? null : JSON.parse(message.payload));
    const now = clock.now();
    const answer = { answerId: message.id, answeredBy: message.fromId, answeredAt: now, error };
    if (isOpen(row))
      await save(
        tx,
        {
          ...{ ...row, ...answer, status: error === null ? "answered" : "failed" },
          ...{ endedAt: now, endedUpTo: message.id },
        },
        row,
      );
    else await save(tx, { ...row, ...answer, late: true }, row);
    if (isGroup(row.target)) await finishWork(tx, row, message.id);
  }

  async function finishWork(tx: Tx, row: DelegationRow, resultId: number): Promise<void> {
    const work = await works.byId(tx, row.messageId);
    if (work?.state !== "claimed" || work.holder !== row.holder) return;
    await leases.end(tx, work, { as: "completed", resultId });
  }

  /** Gives the delegation of a group's request the state of its work. */
  function followWork(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> | undefined {
    if (work.kind !== "request" || (work.state === before.state && work.holder === before.holder)) return undefined;
    return follow(tx, work, before);
  }

  async function follow(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> {
    const row = await store.byMessage(tx, work.messageId);
    if (!row) return;
    if (!isOpen(row)) {
      // An operator requeued it: its next holder may still answer, late.
      if (work.state === "claimed" && isOwed(row)) await store.hold(tx, { ...row, holder: work.holder });
    } else if (work.state === "claimed" || work.state === "open" || work.state === "delayed") {
      const now: DelegationRow = { ...row, holder: work.holder, status: work.holder === null ? "pending" : "claimed" };
      await store.hold(tx, now);
      await tell(tx, now, row);
    } else if (work.state === "done") await answerEmpty(tx, row, before.holder);
    else if (work.state === "dead") await fail(tx, row, "failed", work.error ?? "all attempts were used up");
    else if (work.state === "expired") await fail(tx, row, "timed-out", overdue(row));
    else await fail(tx, row, "cancelled", "it was cancelled");
  }

  /** Answers with an empty text for work that was completed without a word. */
  async function answerEmpty(tx: Tx, row: DelegationRow, holder: string | null): Promise<void> {
    const facts = holder === null ? undefined : directory.facts(tx, holder);
    const author = { id: holder ?? "system", kind: facts?.kind ?? "provider", via: null };
    await messages.post(tx, author, { to: row.fromId, kind: "response", replyTo: row.messageId, body: "" });
  }

  /** Cancels a delegation, and tells its worker. */
  async function cancel(tx: Tx, row: DelegationRow, why: string, person: string | null = null): Promise<DelegationRow> {
    const ended = await fail(tx, row, "cancelled", why, person);
    if (isHeld(row)) return ended;
    if (!isGroup(row.target)) {
      await messages.tell(tx, row.target, {
        subject: `Delegation ${row.id} is cancelled`,
        body: `What ${row.fromId} asked of you in message ${row.messageId} is not needed any more: ${why}.`.slice(
          0,
          4096,
        ),
        replyTo: row.messageId,
        payload: { delegationId: row.id, status: "cancelled" },
      });
      return ended;
    }
    const work = await works.byId(tx, row.messageId);
    if (work?.state === "open" || work?.state === "delayed" || work?.state === "claimed")
      await leases.end(tx, work, { as: "overtaken", state: "cancelled", why });
    return ended;
  }

  /** Ends the delegations to and from a deleted agent: it answers none, and waits for none. */
  async function drop(tx: Tx, agentId: string, upTo: number): Promise<void> {
    const before = ({ messageId }: DelegationRow) => messageId <= upTo;
    const asked = (await store.openTo(tx, agentId, SLICE)).filter(before);
    const asks = (await store.openFrom(tx, agentId, SLICE)).filter(before);
    const pause = createPauses();
    for (const row of asked) {
      await pause();
      await fail(tx, row, "failed", `${agentId} was deleted`);
    }
    for (const row of asks) {
      await pause();
      await cancel(tx, row, `${agentId} was deleted`);
    }
    if (asked.length === SLICE || asks.length === SLICE) await due.schedule(tx, DROP, agentId, clock.now(), { upTo });
  }

  /** End of a request to one agent, which is no work. */
  async function endOf(on: ReadTx, messageId: number) {
    const row = await store.byMessage(on, messageId);
    return row?.endedAt == null ? undefined : { endedAt: row.endedAt, endedUpTo: row.endedUpTo ?? row.messageId };
  }

  /** The error answer tells the sender of a request everything. */
  async function isTold(on: ReadTx, work: WorkRow): Promise<true | undefined> {
    return work.kind === "request" && (await store.byMessage(on, work.messageId)) ? true : undefined;
  }

  const source = deadlines("delegations", store, (tx, row) => fail(tx, row, "timed-out", overdue(row)));

  return {
    tell,
    fail,
    cancel,
    holdsIt,
    changed,
    markAnswer,
    settle,
    followWork,
    endOf,
    isTold,
    dropAgent: (tx: Tx, agentId: string): Promise<void> => drop(tx, agentId, headOf(tx)),
    giveGrace: (tx: Tx, now: number): Promise<void> => store.moveDeadlines(tx, now, now + GRACE_MS),
    dueHandlers: { [DROP]: (tx: Tx, row: DueRow) => drop(tx, row.key, Number(row.data.upTo)) },
    sources: [source],
    open: () => open,
    async countOpen(on: ReadTx): Promise<void> {
      open = await store.countOpen(on);
    },
  };
}

/** Kind of a change: a new delegation, or an end with the time its answer took. */
export interface DelegationStep {
  isNew: boolean;
  ended?: DelegationStatus | undefined;
  tookMs?: number | undefined;
}

function stepOf(row: DelegationRow, before: DelegationRow | undefined): DelegationStep {
  if (!before) return { isNew: true };
  const tookMs = row.answeredBy === "system" ? undefined : (row.answeredAt ?? row.createdAt) - row.createdAt;
  return isOpen(before) && !isOpen(row) ? { isNew: false, ended: row.status, tookMs } : { isNew: false };
}

const toChange = (row: DelegationRow): DelegationChange => ({
  ...{ id: row.id, messageId: row.messageId, from: row.fromId, to: row.target, holder: row.holder },
  ...{ status: row.status, late: row.late, depth: row.depth, rootId: row.rootId, parentId: row.parentId },
});

type ReplyDraft = Pick<ParsedDraft, "replyTo" | "claimable" | "kind">;

/** A reply in another kind is news on the way, not the answer. */
const ANSWER_KINDS: ReadonlySet<string | undefined> = new Set([undefined, "chat", "response", "channel.event"]);

const mayAnswer = (author: string, { replyTo, claimable, kind }: ReplyDraft): boolean =>
  Boolean(replyTo) && !claimable && author !== "system" && ANSWER_KINDS.has(kind);

/** Run of the asker, so that the answer finds the dialogue that asked. */
export const askedIn = ({ runId }: DelegationRow): { runId?: string } => (runId === null ? {} : { runId });

const overdue = (row: DelegationRow): string => (isHeld(row) ? "nobody allowed it in time" : unanswered(row));

const unanswered = (row: DelegationRow): string =>
  `${isGroup(row.target) ? `nobody of ${row.target} answered` : `${row.target} did not answer`} within ${row.timeoutSeconds} seconds`;

/** An answer that says that it could not be done has `delegation: { error }` in its payload. */
function errorIn(payload: Record<string, unknown> | null | undefined): string | null {
  const said = payload?.delegation;
  const error = typeof said === "object" && said !== null && "error" in said ? said.error : null;
  return typeof error === "string" && error.trim() !== "" ? error.slice(0, 4096) : null;
}
