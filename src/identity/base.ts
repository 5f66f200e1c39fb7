import type { Kernel } from "../kernel/kernel.ts";
import { createActivityService } from "./activity/service.ts";
import { createRoster } from "./agents/roster.ts";
import { createAgentStore } from "./agents/store.ts";
import { createDirectory, keepAgents } from "./agents/store-directory.ts";
import { createAuthStore } from "./auth/store.ts";
import { createPeopleStore } from "./people/store.ts";

/** The ground that every room of identity stands on. */
export type Base = ReturnType<typeof createBase>;

/** Prepares the stores, the roster and the record of acts. */
export function createBase(kernel: Kernel) {
  const { db, hooks } = kernel;
  const kept = keepAgents(db);
  return {
    kernel,
    directory: createDirectory(kept),
    roster: createRoster(hooks),
    activity: createActivityService(kernel),
    rows: { agents: createAgentStore(kept), tokens: createAuthStore(), people: createPeopleStore() },
  };
}
