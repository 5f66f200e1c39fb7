import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import type { WebhookRow, WebhookStore } from "./store.ts";

/** Topic of the relay's notices about webhooks. */
export const NOTICE_TOPIC = "webhooks";
/** Shortest time between two notices of dead letters of one webhook. */
const QUIET_MS = 3_600_000;

export type Notices = ReturnType<typeof createNotices>;

/** Notices about a webhook to its owner and the operator. */
export function createNotices({ kernel, core }: Areas, store: WebhookStore) {
  const { clock } = kernel;
  const { messages } = core;

  async function tell(tx: Tx, webhook: WebhookRow, subject: string, body: string): Promise<void> {
    const { id, agentId, name } = webhook;
    const payload = { webhookId: id, agentId, status: webhook.status };
    const said = { topic: NOTICE_TOPIC, subject, body: `${name ?? id} (${id}): ${body}`.slice(0, 4096), payload };
    const forOwner = { ...said, body: withoutAddresses(said.body, webhook.url) };
    await messages.tell(tx, "user", said);
    if (agentId !== "user") await messages.tell(tx, agentId, forOwner);
  }

  return {
    disabled: (tx: Tx, webhook: WebhookRow, why: string, dead: number) =>
      tell(tx, webhook, "A webhook was disabled", `${why} ${dead} deliveries are dead letters.`),

    paused: (tx: Tx, webhook: WebhookRow, why: string) =>
      tell(tx, webhook, "A webhook was paused", `${why} Nothing is recorded for it until it is set active again.`),

    full: (tx: Tx, webhook: WebhookRow) =>
      tell(
        tx,
        webhook,
        "A webhook drops events",
        `${webhook.pending} deliveries are pending; what comes now is not recorded.`,
      ),

    /** Tells of the first dead letter in an hour. */
    async dead(tx: Tx, webhook: WebhookRow, deliveryId: string, why: string): Promise<void> {
      if (webhook.toldAt !== null && clock.now() - webhook.toldAt < QUIET_MS && clock.now() >= webhook.toldAt) return;
      await store.change(tx, webhook, { toldAt: clock.now() });
      await tell(tx, webhook, "A webhook's delivery is a dead letter", `${deliveryId} could not be delivered: ${why}`);
    },
  };
}
