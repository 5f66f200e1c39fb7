import type { Route } from "../identity/auth/route.ts";
import type { RateLimit } from "../kernel/http/rate-limit.ts";
import type { Areas } from "./core.ts";
import { inboxRoutes } from "./inbox/routes.ts";
import { type SocketServer, socketRoute } from "./inbox/socket-route.ts";
import { messageRoutes } from "./messages/routes.ts";
import { threadRoutes } from "./threads/routes.ts";
import { workRoutes } from "./work/routes.ts";

/** Every route of the core. */
export const coreRoutes = (areas: Areas, limit: RateLimit, server: SocketServer): Route[] => [
  ...messageRoutes(areas),
  ...threadRoutes(areas),
  ...workRoutes(areas),
  ...inboxRoutes(areas),
  socketRoute(areas, limit, server),
];
