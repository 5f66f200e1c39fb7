import type { Db } from "../../kernel/db/database.ts";
import { createChannelStore } from "./store.ts";
import { createChatStore } from "./store-chats.ts";
import { createGuestStore } from "./store-guests.ts";
import { createMoveStore } from "./store-moves.ts";
import { createTrafficStore } from "./store-traffic.ts";
import { createWebhookStore } from "./store-webhook.ts";

export type Stores = ReturnType<typeof createStores>;

export function createStores(db: Db) {
  return {
    store: createChannelStore(db),
    chats: createChatStore(db),
    guests: createGuestStore(db),
    traffic: createTrafficStore(db),
    renamed: createMoveStore(db),
    webhooks: createWebhookStore(db),
  };
}
