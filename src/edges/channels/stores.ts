import { createChannelStore } from "./store.ts";
import { createChatStore } from "./store-chats.ts";
import { createGuestStore } from "./store-guests.ts";
import { createMoveStore } from "./store-moves.ts";
import { createTrafficStore } from "./store-traffic.ts";
import { createWebhookStore } from "./store-webhook.ts";

export type Stores = ReturnType<typeof createStores>;

export function createStores() {
  return {
    store: createChannelStore(),
    chats: createChatStore(),
    guests: createGuestStore(),
    traffic: createTrafficStore(),
    renamed: createMoveStore(),
    webhooks: createWebhookStore(),
  };
}
