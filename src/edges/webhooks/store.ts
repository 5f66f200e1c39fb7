import { and, asc, count, desc, eq, getTableColumns, isNotNull, lt, or, sql } from "drizzle-orm";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { changeWhere, columnsWhere, equal, everyColumn, pick } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { Delivery, WebhookEventType } from "../../protocol/webhooks.ts";
import { webhookDeliveries, webhookEvents, webhooks } from "./tables.ts";

export type WebhookRow = typeof webhooks.$inferSelect;
export type DeliveryRow = typeof webhookDeliveries.$inferSelect;
export type WebhookStore = ReturnType<typeof createWebhookStore>;

const isFailing = or(isNotNull(webhooks.failingSince), eq(webhooks.status, "disabled"));

// Runs for every appended message and every change of work.
const subscribers = statement((q) =>
  q
    .select(getTableColumns(webhooks))
    .from(webhookEvents)
    .innerJoin(webhooks, eq(webhooks.id, webhookEvents.webhookId))
    .where(equal(webhookEvents, "event"))
    .prepare(),
);
const anybody = columnsWhere(pick(webhookEvents, "webhookId"), webhookEvents, equal(webhookEvents, "event"), {
  limit: 1,
});
// Runs for each webhook and event.
const enqueue = statement((q) => q.insert(webhookDeliveries).values(everyColumn(webhookDeliveries)).prepare());
const oneMore = changeWhere(webhooks, { pending: sql`${webhooks.pending} + 1` }, equal(webhooks, "id"));

export function createWebhookStore(db: Db) {
  const hasSubscribers = db.keep(
    "events of webhooks",
    (on, event): boolean => anybody(on).get({ event }) !== undefined,
  );
  const pendingOf = (webhookId: string) =>
    and(eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.state, sql`'pending'`));

  async function subscribe(tx: Tx, row: WebhookRow): Promise<void> {
    tx.db.delete(webhookEvents).where(eq(webhookEvents.webhookId, row.id)).run();
    const wanted = row.status === "active" ? row.events : [];
    for (const event of wanted) tx.db.insert(webhookEvents).values({ event, webhookId: row.id }).run();
    hasSubscribers.forget();
  }

  return {
    /** The active webhooks that want events of this type. */
    subscribers: (on: ReadTx, event: WebhookEventType): WebhookRow[] =>
      hasSubscribers.get(on, event) ? subscribers(on).all({ event }) : [],
    byId: async (on: ReadTx, id: string): Promise<WebhookRow | undefined> =>
      on.db.select().from(webhooks).where(eq(webhooks.id, id)).get(),
    countOf: async (on: ReadTx, agentId: string): Promise<number> =>
      on.db.select({ n: count() }).from(webhooks).where(eq(webhooks.agentId, agentId)).get()?.n ?? 0,
    countAll: async (on: ReadTx): Promise<number> => on.db.select({ n: count() }).from(webhooks).get()?.n ?? 0,
    /** Newest first. */
    async page(on: ReadTx, agentId: AgentId | undefined, before: string | undefined, limit: number) {
      const own = agentId === undefined ? undefined : eq(webhooks.agentId, agentId);
      const next = before === undefined ? undefined : lt(webhooks.id, before);
      return on.db.select().from(webhooks).where(and(own, next)).orderBy(desc(webhooks.id)).limit(limit).all();
    },
    async add(tx: Tx, row: WebhookRow): Promise<void> {
      tx.db.insert(webhooks).values(row).run();
      await subscribe(tx, row);
    },
    /** Changes the row and its subscriptions. */
    async change(tx: Tx, row: WebhookRow, changes: Partial<WebhookRow>): Promise<WebhookRow> {
      tx.db.update(webhooks).set(changes).where(eq(webhooks.id, row.id)).run();
      const changed = { ...row, ...changes };
      if (changes.status !== undefined || changes.events !== undefined) await subscribe(tx, changed);
      return changed;
    },
    async remove(tx: Tx, id: string): Promise<void> {
      tx.db.delete(webhookEvents).where(eq(webhookEvents.webhookId, id)).run();
      tx.db.delete(webhooks).where(eq(webhooks.id, id)).run();
      hasSubscribers.forget();
    },
    /** Webhooks that fail, or were disabled by their failures. */
    failing: async (on: ReadTx, limit: number): Promise<WebhookRow[]> => readRows(on, webhooks, isFailing, { limit }),
    /** One of these. */
    failingOne: async (on: ReadTx, id: string): Promise<WebhookRow | undefined> =>
      readRows(on, webhooks, and(eq(webhooks.id, id), isFailing))[0],
    madeBy: async (on: ReadTx, tokenId: string): Promise<WebhookRow[]> =>
      on.db.select().from(webhooks).where(eq(webhooks.tokenId, tokenId)).all(),
    ids: async (on: ReadTx, agentId: string): Promise<string[]> =>
      readValues(on, webhooks.id, eq(webhooks.agentId, agentId)),

    /** Adds a pending delivery. */
    enqueue: async (tx: Tx, row: DeliveryRow): Promise<void> => {
      enqueue(tx).run({ ...row });
      oneMore(tx).run({ id: row.webhookId });
    },
    delivery: async (on: ReadTx, id: string): Promise<DeliveryRow | undefined> =>
      on.db.select().from(webhookDeliveries).where(eq(webhookDeliveries.id, id)).get(),
    /** Newest first. */
    deliveries: async (
      on: ReadTx,
      webhookId: string,
      state: Delivery["state"] | undefined,
      before: string | undefined,
      limit: number,
    ): Promise<DeliveryRow[]> => {
      const { id, webhookId: owner } = webhookDeliveries;
      const inState = state === undefined ? undefined : eq(webhookDeliveries.state, state);
      const next = before === undefined ? undefined : lt(id, before);
      const found = on.db
        .select()
        .from(webhookDeliveries)
        .where(and(eq(owner, webhookId), inState, next));
      return found.orderBy(desc(id)).limit(limit).all();
    },
    /** Next deliveries: the earliest ripe first. */
    next: async (on: ReadTx, webhookId: string, limit: number): Promise<DeliveryRow[]> =>
      readRows(on, webhookDeliveries, pendingOf(webhookId), {
        orderBy: [asc(webhookDeliveries.nextAt), asc(webhookDeliveries.id)],
        limit,
      }),
    changeDelivery: async (tx: Tx, id: string, changes: Partial<DeliveryRow>): Promise<void> => {
      tx.db.update(webhookDeliveries).set(changes).where(eq(webhookDeliveries.id, id)).run();
    },
    /** Makes every pending delivery a dead letter. */
    buryAll: async (tx: Tx, webhookId: string, at: number, error: string): Promise<void> => {
      tx.db
        .update(webhookDeliveries)
        .set({ state: "dead", nextAt: null, endedAt: at, lastError: sql`coalesce(last_error, ${error})` })
        .where(pendingOf(webhookId))
        .run();
    },
    /** Brings deliveries forward to this time, after the clock was set back. */
    hurryAll: async (tx: Tx, latest: number): Promise<void> => {
      tx.db.run(sql`
        update webhook_deliveries set next_at = ${latest} where state = 'pending' and next_at > ${latest}
          and webhook_id in (select id from webhooks)`);
      tx.db.run(sql`update webhooks set not_before = ${latest} where not_before > ${latest}`);
    },
    /** Deletes some deliveries that ended in this state before a time. @returns how many */
    thin: async (tx: Tx, state: Delivery["state"], before: number, limit: number): Promise<number> =>
      deleteSome(tx, webhookDeliveries, sql`state = ${state} and ended_at < ${before}`, limit),
    /** Deletes some deliveries of a deleted webhook. @returns how many */
    clear: async (tx: Tx, webhookId: string, limit: number): Promise<number> =>
      deleteSome(tx, webhookDeliveries, eq(webhookDeliveries.webhookId, webhookId), limit),
  };
}
