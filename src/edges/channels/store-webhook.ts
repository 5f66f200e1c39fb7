import { eq } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { rowsWhere } from "../../kernel/db/statements.ts";
import { webhookChannels } from "./tables.ts";

export type WebhookRow = typeof webhookChannels.$inferSelect;

const byId = rowsWhere(webhookChannels, eq(webhookChannels.channelId, bound("id")));

/** Channels that the relay itself runs. */
export function createWebhookStore() {
  return {
    byId: async (on: ReadTx, id: string): Promise<WebhookRow | undefined> => byId(on).get({ id }),
    put: async (tx: Tx, row: WebhookRow): Promise<void> => {
      tx.db
        .insert(webhookChannels)
        .values(row)
        .onConflictDoUpdate({ target: webhookChannels.channelId, set: row })
        .run();
    },
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(webhookChannels).where(eq(webhookChannels.channelId, id)).run();
    },
  };
}
