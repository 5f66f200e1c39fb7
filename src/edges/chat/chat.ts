import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { SAY } from "./operation.ts";

/** Keys of what was said that one write deletes. */
const KEYS = 500;

/** Chats with agents, for clients of the AI SDK and of AG-UI. */
export const createChat = (areas: Areas & { runs: Runs; approvals: Approvals }) => ({
  sweeps: [
    {
      name: "chat.keys",
      limit: KEYS,
      sweep: (tx, { before, limit }) => areas.kernel.idempotency.forget(tx, SAY, before, limit),
    },
  ] satisfies Sweep[],
  routes: lateRoutes(["/v1/chat", "/v1/agui"], async () => (await import("./routes.ts")).chatRoutes(areas)),
});
