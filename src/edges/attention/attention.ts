import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ApprovalCards } from "../approvals/approvals.ts";
import type { Sources } from "./needs.ts";
import { createAttentionService } from "./service.ts";
import { noteStore } from "./store.ts";

/** Everything that waits for a person: a view over other areas, and people's notes on it. */
export function createAttention(areas: Areas & Sources & { cards: ApprovalCards }) {
  const service = createAttentionService(areas);
  return {
    sweeps: [
      { name: "attention notes", limit: 500, sweep: (tx, { before, limit }) => noteStore.forget(tx, before, limit) },
    ] satisfies Sweep[],
    routes: lateRoutes(["/v1/attention"], async () =>
      (await import("./routes.ts")).attentionRoutes(areas.kernel.db, service),
    ),
  };
}
