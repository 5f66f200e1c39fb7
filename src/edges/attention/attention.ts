import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { ApprovalCards } from "../approvals/approvals.ts";
import { createLate } from "./late.ts";
import type { Sources } from "./needs.ts";
import { createAttentionService } from "./service.ts";
import { noteStore } from "./store.ts";

export type AttentionArea = ReturnType<typeof createAttention>;

/** Everything that waits for a person: a view over other areas, and people's notes on it. */
export function createAttention(areas: Areas & Sources & { cards: ApprovalCards; delegations: Delegations }) {
  const service = createAttentionService(areas);
  const late = createLate(areas);
  return {
    sweeps: [
      { name: "attention notes", limit: 500, sweep: (tx, { before, limit }) => noteStore.forget(tx, before, limit) },
    ] satisfies Sweep[],
    countByProject: service.countByProject,
    routes: lateRoutes(["/v1/attention"], async () =>
      (await import("./routes.ts")).attentionRoutes(areas.kernel.db, service),
    ),
    /** A path beside those of messages. */
    messageRoutes: async (): Promise<Route[]> => (await import("./routes.ts")).lateMessageRoutes(areas.kernel.db, late),
  };
}
