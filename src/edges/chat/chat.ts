import type { Areas } from "../../core/core.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";

/** Chats with agents, for clients of the AI SDK and of AG-UI. */
export const createChat = (areas: Areas & { runs: Runs }) => ({
  routes: lateRoutes(["/v1/chat", "/v1/agui"], async () => (await import("./routes.ts")).chatRoutes(areas)),
});
