import { type SocketServer, SWITCHED } from "../../core/inbox/socket-route.ts";
import { readsAll } from "../../identity/auth/caller.ts";
import { type Route, route } from "../../identity/auth/route.ts";
import { Problem } from "../../protocol/problem.ts";
import * as api from "../../protocol/watch.ts";
import type { Parts } from "./parts.ts";
import { createWatchSocket } from "./socket.ts";

/** `GET /v1/watch`. */
export function watchRoutes(parts: Parts, server: Pick<SocketServer, "upgrade">): Route[] {
  return [
    route(api.watch, ({ caller, request, peer }) => {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only people watch: operators, members and viewers.");
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
        throw new Problem("upgrade-required", "Connect with a WebSocket client.");
      const offered = request.headers.get("sec-websocket-protocol")?.split(",");
      if (offered && !offered.some((name) => name.trim() === api.WATCH_SUBPROTOCOL))
        throw new Problem("bad-request", `The subprotocol here is ${api.WATCH_SUBPROTOCOL}.`);
      const chosen: Record<string, string> = offered ? { "sec-websocket-protocol": api.WATCH_SUBPROTOCOL } : {};
      if (!server.upgrade(request, createWatchSocket(parts, caller, peer()), chosen))
        throw new Problem("upgrade-required", "This is not a WebSocket connection.");
      return SWITCHED;
    }),
  ];
}
