import type { ActivityService } from "../activity/service.ts";
import type { Reading } from "../db/database.ts";
import type { Route } from "../http/call.ts";
import type { Idempotency } from "../idempotency/service.ts";
import type { Messaging } from "../messages/messaging.ts";
import type { Fact } from "../messages/schema.ts";
import type { MessageRow } from "../messages/store.ts";
import { toTime } from "../wire.ts";
import { type Budgets, createAsk } from "./ask.ts";
import { createEnds } from "./ends.ts";
import { delegationRoutes } from "./routes.ts";
import { createDelegationService } from "./service.ts";
import { createDelegationStore } from "./store.ts";

export interface DelegationRoomParts {
  messaging: Messaging;
  idempotency: Idempotency;
  activity: ActivityService;
  budgets: Budgets;
}

/** Wires requests that owe an answer. */
export function createDelegations({ messaging, idempotency, activity, budgets }: DelegationRoomParts) {
  const { db, retention, explainer, waits, store: messages } = messaging;
  const store = createDelegationStore(db);
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

  async function factsOf(on: Reading, message: MessageRow): Promise<Fact[]> {
    const row = message.kind === "request" ? await store.byMessage(on, message.id) : undefined;
    if (!row) return [];
    const { id: delegationId, depth, parentId, queued } = row;
    const deadlineAt = toTime(row.deadlineAt);
    const facts: Fact[] = [
      { at: toTime(row.createdAt), step: "delegated", delegationId, depth, parentId, queued, deadlineAt },
    ];
    if (row.endedAt !== null) {
      const step = row.status === "pending" || row.status === "claimed" ? "answered" : row.status;
      const how = row.late ? {} : { messageId: row.answerId, from: row.answeredBy, error: row.error };
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

  return {
    delegations,
    onChange: ends.onChange,
    countOpen: () => db.read((on) => store.countOpen(on)),
    routes: (): Route[] => delegationRoutes({ db, delegations, waits }),
  };
}
