import type { Areas } from "../../core/core.ts";
import type { Post } from "../../core/messages/draft.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { PlacedNode } from "../../core/trees/trees.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Delegation, DelegationChange } from "../../protocol/delegations.ts";
import type { Fact } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import { createAsk } from "./ask.ts";
import { readDelegation } from "./delegation.ts";
import { createOutcomes, isOpen, isOwed, workerOf } from "./outcomes.ts";
import type { DelegationRow } from "./row.ts";
import { createDelegationService } from "./service.ts";
import { createDelegationStore } from "./store.ts";

export type Delegations = ReturnType<typeof createDelegations>;

/** Open delegations of one tree that are looked at. */
const MAX_OPEN = 1000;

/** Requests that owe an answer before a deadline. */
export function createDelegations(areas: Areas) {
  const { db, key } = areas.kernel;
  const { messages, inbox } = areas.core;
  const store = createDelegationStore(key);
  const outcomes = createOutcomes(areas, store);
  const ask = createAsk(areas, store, outcomes);
  const service = createDelegationService(areas, store, ask, outcomes);

  async function weights(on: ReadTx, ids: readonly number[]): Promise<Map<number, number>> {
    return new Map((await store.among(on, ids)).map((id) => [id, 1]));
  }

  async function progressTitle(on: ReadTx, { kind, messageId }: WorkRow) {
    const row = kind === "request" ? await store.byMessage(on, messageId) : undefined;
    return row && { subject: `Progress of ${row.id}`, payload: { delegationId: row.id } };
  }

  /**
   * Requests that were answered, timed out or cancelled: the asker has an answer. Work of a group's request is judged as work.
   * Answers that a tool has handed to the asker's model.
   */
  async function settledAmong(on: ReadTx, entries: readonly LogEntry[], reader: string): Promise<number[]> {
    const requests = entries.filter(({ kind }) => kind === "request");
    // A worker's question is a reply to the request.
    const ids = requests.flatMap(({ id, replyTo }) => (replyTo === null ? [id] : [id, replyTo]));
    const over = new Set(await store.endedAmong(on, ids));
    const asked = entries.flatMap(({ kind, replyTo }) => (kind === "response" && replyTo !== null ? [replyTo] : []));
    const handed = new Set(await store.handedAmong(on, asked));
    const known = entries.filter(({ id }) => handed.has(id)).map(({ id }) => id);
    const ended = requests
      .filter(
        (entry) =>
          over.has(entry.id) || over.has(entry.replyTo ?? 0) || messages.linkStore.hasReplied(on, reader, entry),
      )
      .map(({ id }) => id);
    return [...known, ...ended];
  }

  async function facts(on: ReadTx, message: MessageRow): Promise<Fact[]> {
    const row = message.kind === "request" ? await store.byMessage(on, message.id) : undefined;
    if (!row) return [];
    const { id: delegationId, depth, parentId, queued } = row;
    const deadlineAt = toTime(row.deadlineAt);
    const answer =
      row.error === null || row.answerId === null ? undefined : await messages.rows.content(on, row.answerId);
    const error = answer?.opaque ? "encrypted by the clients" : row.error;
    const facts: Fact[] = [
      { at: toTime(row.createdAt), step: "delegated", delegationId, depth, parentId, queued, deadlineAt },
    ];
    if (row.endedAt !== null) {
      const step = row.status === "pending" || row.status === "claimed" ? "answered" : row.status;
      const how = row.late ? {} : { messageId: row.answerId, from: row.answeredBy, error };
      facts.push({ at: toTime(row.endedAt), step, delegationId, ...how });
    }
    if (row.late)
      facts.push({
        at: toTime(row.answeredAt ?? 0),
        step: "answered",
        delegationId,
        late: true,
        messageId: row.answerId,
      });
    return facts;
  }

  /** The open delegation whose request an agent works on. */
  async function servedBy(on: ReadTx, messageId: number, agentId: string): Promise<DelegationRow | undefined> {
    const row = await store.byMessage(on, messageId);
    return row && isOpen(row) && workerOf(row) === agentId ? row : undefined;
  }

  /** Answers a delegation in its worker's name, unless it was answered already. */
  async function answerBy(tx: Tx, id: string, { from, ...said }: { from: string } & Omit<Post, "to">): Promise<void> {
    const row = await store.byId(tx, id);
    if (!row || !isOwed(row)) return;
    const facts = await areas.identity.directory.facts(tx, from);
    const author = { id: from, kind: facts?.kind ?? ("provider" as const), via: null };
    await messages.post(tx, author, { to: row.fromId, kind: "response", replyTo: row.messageId, ...said });
  }

  /** Ends an open delegation that its worker will not answer: a later answer is late. */
  async function giveUp(tx: Tx, id: string, error: string): Promise<void> {
    const row = await store.byId(tx, id);
    if (row && isOpen(row)) await outcomes.fail(tx, row, "failed", error.slice(0, 4096));
  }

  return {
    service,
    store,
    /** Requests that verbs of other areas make. */
    orders: {
      ask: ask.ask,
      order: ask.order,
      hold: ask.hold,
      release: ask.release,
      releaseHeld: ask.releaseHeld,
      nodeOf: ask.nodeOf,
      fail: outcomes.fail,
    },
    cancel: outcomes.cancel,
    show: (on: ReadTx, row: DelegationRow): Promise<Delegation> => readDelegation(on, messages.rows, row),
    servedBy,
    answerBy,
    giveUp,
    /** Open ones, those with the nearest deadline first. */
    soonest: (on: ReadTx, limit: number): Promise<DelegationRow[]> => store.ripe(on, Number.MAX_SAFE_INTEGER, limit),
    /** Whether a message is the answer to what a run has asked. */
    async isAnswerFor(on: ReadTx, answerId: number, runId: string): Promise<boolean> {
      const replyTo = (await messages.rows.byId(on, answerId))?.replyTo;
      const row = replyTo == null ? undefined : await store.byMessage(on, replyTo);
      return row?.answerId === answerId && row.runId === runId;
    },
    askerOf: async (on: ReadTx, id: string): Promise<string | undefined> => (await store.byId(on, id))?.fromId,
    /** Whether an agent works on an open delegation that hangs on this node. */
    worksFor: async (on: ReadTx, agentId: string, node: { id: string; rootId: string }): Promise<boolean> =>
      (await store.openBelowRoot(on, node.rootId, MAX_OPEN)).some(
        (row) => row.parentId === node.id && workerOf(row) === agentId,
      ),
    changed: outcomes.changed,
    markAnswer: outcomes.markAnswer,
    settle: outcomes.settle,
    followWork: outcomes.followWork,
    endOf: outcomes.endOf,
    isTold: outcomes.isTold,
    dropAgent: outcomes.dropAgent,
    giveGrace: outcomes.giveGrace,
    /** A delegation as a node of its tree. */
    node: async (on: ReadTx, id: string): Promise<PlacedNode | undefined> =>
      id.startsWith("dlg_") ? store.byId(on, id) : undefined,
    openFrom: (on: ReadTx, agentId: string, limit: number): Promise<number> => store.countFrom(on, agentId, limit),
    openBelow: (on: ReadTx, rootId: string, limit: number): Promise<number> => store.countBelowRoot(on, rootId, limit),
    keptFrom: (on: ReadTx): Promise<number | undefined> => store.oldestOpen(on),
    weights,
    /** Deletes delegations with their requests. */
    forget: (tx: Tx, ids: readonly number[]): Promise<void> => store.forget(tx, ids),
    progressTitle,
    settledAmong,
    facts,
    showWatchers: (change: DelegationChange): void =>
      inbox.watch.about(change.messageId, "delegation", () => JSON.stringify(change)),
    open: outcomes.open,
    load: (): Promise<void> => db.read((on) => outcomes.countOpen(on)),
    dueHandlers: outcomes.dueHandlers,
    sources: outcomes.sources,
    routes: async (): Promise<Route[]> => (await import("./routes.ts")).delegationRoutes(areas, service),
  };
}
