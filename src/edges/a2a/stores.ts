import type { Db } from "../../kernel/db/database.ts";
import { createExternalStore } from "./store.ts";
import { createContextStore } from "./store-contexts.ts";
import { createPushStore } from "./store-pushes.ts";

export type Stores = ReturnType<typeof createStores>;

export const createStores = (db: Db) => ({
  external: createExternalStore(db),
  pushes: createPushStore(),
  contexts: createContextStore(),
});
