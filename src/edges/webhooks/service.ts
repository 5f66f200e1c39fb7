import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { actingAs, type Caller, mayActAs, type Principal, readingAs } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueHandler } from "../../kernel/due/due.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { newId } from "../../kernel/ids.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Paused } from "../../protocol/tokens.ts";
import type { Delivery, NewWebhook, ParsedWebhookDraft, Webhook, WebhookPatch } from "../../protocol/webhooks.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { DELIVER } from "./deliver.ts";
import type { Emitter } from "./emit.ts";
import type { Notices } from "./notices.ts";
import { secretOf } from "./signing.ts";
import type { DeliveryRow, WebhookRow, WebhookStore } from "./store.ts";

const MAX_OF_AGENT = 20;
const MAX_ALL = 500;
const MAX_REDELIVERED = 1000;
const CLEAR_SLICE = 1000;
/** Time for which ended deliveries are kept. */
const KEPT_MS = { delivered: DAY_MS, dead: 30 * DAY_MS };
const CLEAR = "webhook.clear";

export type WebhookService = ReturnType<typeof createWebhookService>;

/** Verbs of webhooks. */
export function createWebhookService(areas: Areas, store: WebhookStore, emitter: Emitter, notices: Notices) {
  const { idempotency, egress, due, clock, key } = areas.kernel;
  const { agents, activity } = areas.identity;

  async function dropAgent(tx: Tx, agentId: string): Promise<void> {
    for (const id of await store.ids(tx, agentId)) await erase(tx, id);
  }

  const clear: DueHandler = async (tx, { key: id }) => {
    if ((await store.clear(tx, id, CLEAR_SLICE)) === CLEAR_SLICE) await due.schedule(tx, CLEAR, id, clock.now());
  };

  const sweepOf = (state: keyof typeof KEPT_MS): Sweep => ({
    name: `webhooks.${state}`,
    keepMs: KEPT_MS[state],
    limit: CLEAR_SLICE,
    sweep: (tx, { before, limit }) => store.thin(tx, state, before, limit),
  });

  async function erase(tx: Tx, id: string): Promise<void> {
    await store.remove(tx, id);
    await due.cancel(tx, DELIVER, id);
    await due.schedule(tx, CLEAR, id, clock.now());
  }

  /** The webhook, for callers that may read it. @throws Problem 403, 404, 409 */
  async function readable(on: ReadTx, caller: Caller, id: string): Promise<WebhookRow> {
    const reader = readingAs(caller);
    if (reader !== null) await agents.requireActor(on, caller, reader);
    const row = (await store.byId(on, id)) ?? Problem.missing("webhook", id);
    if (reader !== null && row.agentId !== reader) throw new Problem("forbidden", `Webhook ${id} is not ${reader}'s.`);
    return row;
  }

  /** Agent that sets up a webhook. Those of `user` are the installation's, so a member sets up none. @throws Problem 403 */
  function checkOwner(caller: Caller, agentId?: string): string {
    if (caller.role === "member") throw new Problem("forbidden", "A member sets up no webhooks. Ask an operator.");
    return actingAs(caller, agentId);
  }

  /** The webhook, for callers that may change it. @throws Problem 403, 404, 409 */
  async function owned(tx: Tx, caller: Caller, id: string): Promise<WebhookRow> {
    checkOwner(caller);
    return readable(tx, caller, id);
  }

  async function make(tx: Tx, caller: Caller, agentId: string, draft: ParsedWebhookDraft): Promise<NewWebhook> {
    await agents.requireActor(tx, caller, agentId);
    await agents.requireToken(tx, caller);
    egress.requireAllowed(draft.url, "/url");
    if ((await store.countOf(tx, agentId)) >= MAX_OF_AGENT || (await store.countAll(tx)) >= MAX_ALL)
      throw new Problem(
        "conflict",
        `Limit reached: ${MAX_OF_AGENT} webhooks of one agent, and ${MAX_ALL} in all. Delete one first.`,
      );
    const row: WebhookRow = {
      ...{ id: newId("whk", clock.now()), agentId, name: draft.name ?? null, url: draft.url },
      ...{ events: [...new Set(draft.events)], filter: draft.filter, createdAt: clock.now(), tokenId: caller.tokenId },
      ...{ status: "active", reason: null, secretVersion: 1, previousUntil: null },
      ...{ pending: 0, dropped: 0, isFull: false, failures: 0, failingSince: null, notBefore: 0, toldAt: null },
    };
    await store.add(tx, row);
    await activity.record(tx, caller, "webhook.created", row.id, { agentId, events: row.events });
    return withSecret(caller, row);
  }

  const withSecret = (caller: Caller, row: WebhookRow): NewWebhook => ({
    ...wireWebhook(caller, row),
    secret: secretOf(key, row.id, row.secretVersion),
  });

  /** Delivers at once, as if no attempt had failed. */
  async function wake(tx: Tx, id: string): Promise<void> {
    await due.hurry(tx, DELIVER, id, clock.now());
  }

  /** Pauses webhooks of a token that may set them up no more: they record and deliver nothing until the owner resumes them. */
  async function pauseOf(tx: Tx, tokenId: string, why: string, left: Principal | null): Promise<void> {
    const pause = createPauses();
    for (const row of await store.madeBy(tx, tokenId)) {
      await pause();
      if (row.status !== "active" || (left?.role !== "member" && mayActAs(left, row.agentId))) continue;
      const now = await store.change(tx, row, { status: "paused", reason: why });
      await activity.record(tx, { tokenId: "system" }, "webhook.paused", row.id, { reason: why });
      await notices.paused(tx, now, why);
    }
  }

  /** Webhooks that were set up with a token, without disabled ones. */
  async function setUpBy(on: ReadTx, tokenId: string): Promise<Paused[]> {
    const rows = (await store.madeBy(on, tokenId)).filter(({ status }) => status !== "disabled");
    return rows.map(({ id, agentId }) => ({ kind: "webhook", id, agentId }));
  }

  return {
    dropAgent,
    pauseOf,
    setUpBy,
    sweeps: [sweepOf("delivered"), sweepOf("dead")],
    dueHandlers: { [CLEAR]: clear },

    /** `POST /v1/webhooks`. @throws Problem 403, 409, 422 */
    async create(tx: Tx, caller: Caller, draft: ParsedWebhookDraft, idempotencyKey: string | undefined) {
      const { agentId: named, ...asked } = draft;
      const agentId = checkOwner(caller, named);
      return idempotency.once<NewWebhook>(tx, {
        ...{ sender: agentId, key: idempotencyKey, operation: "createWebhook", asked },
        async make() {
          const made = await make(tx, caller, agentId, draft);
          return { subject: made.id, made };
        },
        async again(id) {
          const row = await store.byId(tx, id);
          return row && withSecret(caller, row);
        },
      });
    },

    async list(
      on: ReadTx,
      caller: Caller,
      query: PageQuery<string> & { agentId?: string | undefined },
    ): Promise<List<Webhook>> {
      const reader = readingAs(caller);
      if (reader !== null) await agents.requireActor(on, caller, reader);
      if (reader !== null && query.agentId !== undefined) actingAs(caller, query.agentId);
      const owner = reader ?? query.agentId;
      const read = (count: number, before: string | undefined) => store.page(on, owner, before, count);
      return readList(query, read, (row) => wireWebhook(caller, row), idOf);
    },

    get: async (on: ReadTx, caller: Caller, id: string): Promise<Webhook> =>
      wireWebhook(caller, await readable(on, caller, id)),

    /** `PATCH /v1/webhooks/{id}`. @throws Problem 403, 404, 409, 422 */
    async patch(tx: Tx, caller: Caller, id: string, patch: WebhookPatch): Promise<Webhook> {
      const row = await owned(tx, caller, id);
      await agents.requireToken(tx, caller);
      if (patch.url !== undefined) egress.requireAllowed(patch.url, "/url");
      const { status = row.status } = patch;
      const isFresh = status === "active" && (row.status !== "active" || (patch.url ?? row.url) !== row.url);
      const fresh = { reason: null, failures: 0, failingSince: null, notBefore: 0 };
      const changed = await store.change(tx, row, {
        name: patch.name === undefined ? row.name : patch.name,
        url: patch.url ?? row.url,
        events: patch.events ? [...new Set(patch.events)] : row.events,
        filter: patch.filter ?? row.filter,
        status,
        ...(isFresh ? fresh : {}),
        ...(isFresh || patch.url !== undefined ? { tokenId: caller.tokenId } : {}),
      });
      if (status === "active") await wake(tx, id);
      await activity.record(tx, caller, "webhook.changed", id, { fields: Object.keys(patch) });
      return wireWebhook(caller, changed);
    },

    /** `DELETE /v1/webhooks/{id}`: pending deliveries are dropped. @throws Problem 403, 404, 409 */
    async remove(tx: Tx, caller: Caller, id: string): Promise<void> {
      const row = await owned(tx, caller, id);
      await erase(tx, id);
      await activity.record(tx, caller, "webhook.deleted", id, { agentId: row.agentId, pending: row.pending });
    },

    /** `POST /v1/webhooks/{id}/rotate`: a new secret; the old one signs too for a while. @throws Problem 403, 404, 409, 422 */
    async rotate(tx: Tx, caller: Caller, id: string, overlapSeconds: number, idempotencyKey: string | undefined) {
      const row = await owned(tx, caller, id);
      return idempotency.once<NewWebhook>(tx, {
        ...{ sender: row.agentId, key: idempotencyKey, operation: "rotateWebhook", asked: [id, overlapSeconds] },
        async make() {
          const previousUntil = overlapSeconds === 0 ? null : clock.now() + overlapSeconds * 1000;
          const rotated = await store.change(tx, row, { secretVersion: row.secretVersion + 1, previousUntil });
          await activity.record(tx, caller, "webhook.rotated", id, { overlapSeconds });
          return { subject: id, made: withSecret(caller, rotated) };
        },
        again: async () => withSecret(caller, row),
      });
    },

    /** `POST /v1/webhooks/{id}/test`: one event, whatever the filter. @throws Problem 403, 404, 409 */
    async test(tx: Tx, caller: Caller, id: string, idempotencyKey: string | undefined) {
      const row = await owned(tx, caller, id);
      return idempotency.once<Delivery>(tx, {
        ...{ sender: row.agentId, key: idempotencyKey, operation: "testWebhook", asked: id },
        async make() {
          if (row.status !== "active") throw new Problem("conflict", `Webhook ${id} is ${row.status}.`);
          const data = { webhookId: id, agentId: row.agentId };
          const made = await emitter.enqueue(tx, row, { type: "webhook.test", messageId: null, data });
          const delivery = made && (await store.delivery(tx, made));
          if (!delivery) throw new Problem("conflict", `Webhook ${id} has ${row.pending} pending deliveries.`);
          return { subject: delivery.id, made: wireDelivery(caller, row.url, delivery) };
        },
        async again(deliveryId) {
          const delivery = await store.delivery(tx, deliveryId);
          return delivery && wireDelivery(caller, row.url, delivery);
        },
      });
    },

    /** `GET /v1/webhooks/{id}/deliveries`, newest first. @throws Problem 403, 404, 409 */
    async deliveries(
      on: ReadTx,
      caller: Caller,
      id: string,
      query: PageQuery<string> & { state?: Delivery["state"] | undefined },
    ): Promise<List<Delivery>> {
      const { url } = await readable(on, caller, id);
      const read = (count: number, before: string | undefined) => store.deliveries(on, id, query.state, before, count);
      return readList(query, read, (row) => wireDelivery(caller, url, row), idOf);
    },

    /** `POST /v1/webhooks/{id}/redeliver`: dead letters get all their attempts again. @throws Problem 403, 404, 409 */
    async redeliver(tx: Tx, caller: Caller, id: string, deliveryId: string | undefined) {
      const row = await owned(tx, caller, id);
      const one = deliveryId === undefined ? undefined : await store.delivery(tx, deliveryId);
      if (deliveryId !== undefined && one?.webhookId !== id)
        throw new Problem("not-found", `Webhook ${id} has no delivery ${deliveryId}.`);
      if (row.status !== "active") throw new Problem("conflict", `Webhook ${id} is ${row.status}.`);
      const fresh = { state: "pending" as const, attempts: 0, nextAt: clock.now(), endedAt: null };
      const found = one ? [one] : await store.deliveries(tx, id, "dead", undefined, MAX_REDELIVERED);
      const dead = found.filter((delivery) => delivery.state === "dead");
      for (const delivery of dead) await store.changeDelivery(tx, delivery.id, fresh);
      await store.change(tx, row, { pending: row.pending + dead.length, notBefore: 0 });
      if (dead.length) await wake(tx, id);
      await activity.record(tx, caller, "webhook.redelivered", id, { redelivered: dead.length });
      return { redelivered: dead.length };
    },
  };
}

const idOf = ({ id }: { id: string }): string => id;

/** Reason of the failure, without details of the relay's network. */
const reasonFor = (caller: Caller, url: string, why: string | null): string | null =>
  why === null || caller.role === "operator" ? why : withoutAddresses(why, url);

function wireWebhook(caller: Caller, row: WebhookRow): Webhook {
  const { id, agentId, name, url, events, filter, status, reason, pending, dropped, failures } = row;
  return {
    ...{ id, agentId, name, url, events, filter, status, pending, dropped, failures },
    reason: reasonFor(caller, url, reason),
    failingSince: toTimeOrNull(row.failingSince),
    previousSecretUntil: toTimeOrNull(row.previousUntil),
    createdAt: toTime(row.createdAt),
  };
}

function wireDelivery(caller: Caller, url: string, row: DeliveryRow): Delivery {
  const { id, webhookId, type, messageId, state, attempts, lastStatus, lastError } = row;
  return {
    ...{ id, webhookId, type, messageId, state, attempts, lastStatus },
    lastError: reasonFor(caller, url, lastError),
    createdAt: toTime(row.createdAt),
    nextAt: toTimeOrNull(row.nextAt),
    endedAt: toTimeOrNull(row.endedAt),
  };
}
