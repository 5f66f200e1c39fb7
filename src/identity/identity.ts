import type { Kernel } from "../kernel/kernel.ts";
import { createPresence } from "./agents/presence.ts";
import { createAgentService } from "./agents/service.ts";
import { lateRoutes } from "./auth/late-routes.ts";
import type { Route } from "./auth/route.ts";
import { createAuthService } from "./auth/service.ts";
import { createBase } from "./base.ts";
import { createOrchestrators } from "./orchestrators/orchestrators.ts";
import { createPeople } from "./people/people.ts";
import { createSignIn } from "./sign-in/sign-in.ts";

export type Identity = ReturnType<typeof createIdentity>;

interface Options {
  agentTtlMs: number;
  publicUrl: string | undefined;
}

/** Agents, the tokens that act for them, and the record of administrative acts. */
export function createIdentity(kernel: Kernel, { agentTtlMs, publicUrl }: Options) {
  const { db } = kernel;
  const base = createBase(kernel);
  const { directory, roster, activity } = base;
  const auth = createAuthService(base);
  const agents = createAgentService(base, auth);
  const orchestrators = createOrchestrators(base, agents, auth.enrolled);
  const people = createPeople(base, auth);
  const signIn = createSignIn(base, auth, publicUrl);
  const presence = createPresence(base, {
    ...{ keepers: { orchestrator: orchestrators.keeper }, ttlMs: agentTtlMs, enrolled: auth.enrolled },
  });
  return {
    agents,
    directory,
    roster,
    activity,
    auth,
    orchestrators,
    people,
    signIn,
    presence,
    /** Fills the copies in memory from the rows. */
    async load(): Promise<void> {
      for (const row of await db.read((on) => directory.all(on))) roster.put(row);
      await orchestrators.load();
      await db.read((on) => auth.load(on));
      await db.read((on) => people.load(on));
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
      people.routes,
      signIn.routes,
    ],
  };
}
