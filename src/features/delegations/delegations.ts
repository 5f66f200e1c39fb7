import type { Messaging } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/store.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import type { DelegationChange, DelegationStatus } from "../../protocol/delegations.ts";
import type { Fact } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import { type Budgets, createAsk } from "./ask.ts";
import { createEnds, isOpen } from "./ends.ts";
import { createDelegationService } from "./service.ts";
import { createDelegationStore, type DelegationRow } from "./store.ts";

export interface DelegationRoomParts {
  messaging: Messaging;
  idempotency: Idempotency;
  activity: ActivityService;
  budgets: Budgets;
  /** Secret that ids are derived from. */
  key: string;
}

/** What a change was: a new one or an end, and how long somebody's answer took. */
export interface DelegationStep {
  isNew: boolean;
  ended?: DelegationStatus | undefined;
  tookMs?: number | undefined;
}

/** Wires requests that owe an answer. */
export function createDelegations({ messaging, idempotency, activity, budgets, key }: DelegationRoomParts) {
  const { db, retention, explainer, waits, settled, claims, linkStore, store: messages } = messaging;
  const store = createDelegationStore(db, key);
  const base = { ...messaging, store, messages, idempotency, activity, budgets };
  const ends = createEnds(base);
  const ask = createAsk({ ...base, ends });
  const delegations = createDelegationService({ ...base, ends, ask });

  retention.keepFrom((on) => store.oldestOpen(on));
  // What ended goes with its request.
  retention.alongside({
    counts: async (on, ids) => new Map((await store.among(on, ids)).map((id) => [id, 1])),
    remove: (tx, ids) => store.forget(tx, ids),
  });
  explainer.alsoTell(factsOf);
  claims.titleProgress(async (on, { kind, messageId }) => {
    const row = kind === "request" ? await store.byMessage(on, messageId) : undefined;
    return row && { subject: `Progress of ${row.id}`, payload: { delegationId: row.id } };
  });
  // Answered, timed out or taken back: its asker has an answer. Work of a group's request is judged as work.
  settled.alsoBy(async (on, entries, reader) => {
    const requests = entries.filter(({ kind }) => kind === "request");
    // A worker's question is a reply to the request.
    const ids = requests.flatMap(({ id, replyTo }) => (replyTo === null ? [id] : [id, replyTo]));
    const over = new Set(await store.endedAmong(on, ids));
    return requests
      .filter((entry) => over.has(entry.id) || over.has(entry.replyTo ?? 0) || linkStore.hasReplied(on, reader, entry))
      .map(({ id }) => id);
  });

  async function factsOf(on: Reading, message: MessageRow): Promise<Fact[]> {
    const row = message.kind === "request" ? await store.byMessage(on, message.id) : undefined;
    if (!row) return [];
    const { id: delegationId, depth, parentId, queued } = row;
    const deadlineAt = toTime(row.deadlineAt);
    const answer = row.error === null || row.answerId === null ? undefined : await messages.content(on, row.answerId);
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

  let open = 0;
  const listeners: ((change: DelegationChange, step: DelegationStep) => void)[] = [];
  ends.onChange((row, before) => {
    const step = stepOf(row, before);
    if (step.isNew) open++;
    if (step.ended !== undefined) open--;
    for (const listener of listeners) listener(toChange(row), step);
  });

  return {
    delegations,
    /** Told of every change, in the write that makes it. */
    onMoved: (handler: (tx: Tx, change: DelegationChange) => Promise<void>) =>
      ends.onMoved((tx, row) => handler(tx, toChange(row))),
    /** Told of every change, once it is on disk. */
    onChange: ends.onChange,
    /** Told of every change, once it is on disk, what it was. */
    onStep: (listener: (change: DelegationChange, step: DelegationStep) => void) => listeners.push(listener),
    /** How many are owed an answer: counted once, then kept. */
    open: () => open,
    async start(): Promise<void> {
      open = await db.read((on) => store.countOpen(on));
    },
    routes: async (): Promise<Route[]> =>
      (await import("./routes.ts")).delegationRoutes({ db, delegations, waits, offers: messaging.offers }),
  };
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
