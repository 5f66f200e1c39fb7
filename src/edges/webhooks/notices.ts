import type { Sender } from "../../core/messages/send.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import type { WebhookRow, WebhookStore } from "./store.ts";

/** The topic of what the relay says about webhooks. */
export const NOTICE_TOPIC = "webhooks";
/** Dead letters of one webhook are told no oftener than this. */
const QUIET_MS = 3_600_000;

export type Notices = ReturnType<typeof createNotices>;

/** What the owner of a webhook, and the operator, are told about it. */
export function createNotices(sender: Sender, store: WebhookStore, clock: Clock) {
  async function tell(tx: Tx, webhook: WebhookRow, subject: string, body: string): Promise<void> {
    const { id, agentId, name } = webhook;
    const payload = { webhookId: id, agentId, status: webhook.status };
    const said = { topic: NOTICE_TOPIC, subject, body: `${name ?? id} (${id}): ${body}`.slice(0, 4096), payload };
    const forOwner = { ...said, body: withoutAddresses(said.body, webhook.url) };
    await sender.tell(tx, "user", said);
    if (agentId !== "user") await sender.tell(tx, agentId, forOwner);
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

    /** The first one in an hour. */
    async dead(tx: Tx, webhook: WebhookRow, deliveryId: string, why: string): Promise<void> {
      if (webhook.toldAt !== null && clock.now() - webhook.toldAt < QUIET_MS && clock.now() >= webhook.toldAt) return;
      await store.change(tx, webhook, { toldAt: clock.now() });
      await tell(tx, webhook, "A webhook's delivery is a dead letter", `${deliveryId} could not be delivered: ${why}`);
    },
  };
}
