import type { Kernel } from "../kernel/kernel.ts";
import { createActivityService } from "./activity/service.ts";
import { createDirectory } from "./agents/directory.ts";
import { createPresence } from "./agents/presence.ts";
import { createRoster } from "./agents/roster.ts";
import { createAgentService } from "./agents/service.ts";
import { createAgentStore } from "./agents/store.ts";
import { createMemberStore } from "./agents/store-members.ts";
import { deleted } from "./agents/tombstones.ts";
import { lateRoutes } from "./auth/late-routes.ts";
import type { Route } from "./auth/route.ts";
import { createAuthService } from "./auth/service.ts";
import { createAuthStore } from "./auth/store.ts";
import { createOrchestrators } from "./orchestrators/orchestrators.ts";

export type Identity = ReturnType<typeof createIdentity>;

/** Agents, the tokens that act for them, and the record of administrative acts. */
export function createIdentity(kernel: Kernel, { agentTtlMs }: { agentTtlMs: number }) {
  const { db, hooks } = kernel;
  const store = createAgentStore(db);
  const directory = createDirectory(store, createMemberStore(db));
  const roster = createRoster(hooks);
  const activity = createActivityService(kernel);
  const auth = createAuthService(kernel, {
    store: createAuthStore(db),
    activity,
    async checkHolder(on, agentId) {
      const facts = await store.facts(on, agentId);
      if (facts && facts.deletedAt !== null) throw deleted(agentId);
    },
  });
  const agents = createAgentService(kernel, { store, roster, auth, activity });
  const orchestrators = createOrchestrators(kernel, { agents, directory, roster, activity });
  const keepers = { orchestrator: orchestrators.keeper };
  const presence = createPresence(kernel, { store, roster, keepers, ttlMs: agentTtlMs });
  return {
    agents,
    directory,
    roster,
    activity,
    auth,
    orchestrators,
    presence,
    /** Fills the copies in memory from the rows. */
    async load(): Promise<void> {
      for (const row of await db.read((on) => store.all(on))) roster.put(row);
      await orchestrators.load();
    },
    dueHandlers: auth.dueHandlers,
    sources: presence.sources,
    async routes(): Promise<Route[]> {
      const [{ authRoutes }, { agentRoutes }] = await Promise.all([
        import("./auth/routes.ts"),
        import("./agents/routes.ts"),
      ]);
      return [...authRoutes(db, auth, agents.instanceFor), ...agentRoutes(db, agents)];
    },
    lateRoutes: [
      lateRoutes(["/v1/activity"], async () => (await import("./activity/routes.ts")).activityRoutes(db, activity)),
      orchestrators.routes,
    ],
  };
}
