import type { Areas } from "../../core/core.ts";
import type { SocketServer } from "../../core/inbox/socket-route.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createFollowCounts } from "./follows.ts";
import { createPresence } from "./presence.ts";

export type Watch = ReturnType<typeof createWatch>;

/** Pages of the console: one socket each, for everything that they show. */
export function createWatch(areas: Areas & { runs: Runs }) {
  const presence = createPresence(areas.kernel.clock);
  const follows = createFollowCounts();
  return {
    presence,
    routes: (server: Pick<SocketServer, "upgrade">) =>
      lateRoutes(["/v1/watch"], async () =>
        (await import("./routes.ts")).watchRoutes({ ...areas, presence, follows }, server),
      ),
  };
}
