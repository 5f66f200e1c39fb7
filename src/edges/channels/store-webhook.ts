import { eq } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { webhookChannels } from "./tables.ts";

export type WebhookRow = typeof webhookChannels.$inferSelect;

/** Channels that the relay itself runs. */
export function createWebhookStore(db: Db) {
  const byId = db.statement((q) =>
    q
      .select()
      .from(webhookChannels)
      .where(eq(webhookChannels.channelId, bound("id")))
      .prepare(),
  );
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
