import type { Caller } from "../../identity/auth/caller.ts";
import { type Route, route } from "../../identity/auth/route.ts";
import type { RateLimit } from "../../kernel/http/rate-limit.ts";
import type { SocketHandler } from "../../kernel/http/socket-outlet.ts";
import { Problem } from "../../protocol/problem.ts";
import * as api from "../../protocol/sockets.ts";
import type { Areas } from "../core.ts";
import { createSocket } from "./socket.ts";

/** Sockets that have not authenticated. Each may hold a whole frame in memory until its 5 s are over. */
const MAX_UNKNOWN = 32;

export interface SocketServer {
  /** @throws Problem 401 */
  identify(request: Request, requestId: string): Promise<Caller>;
  /** Whether a page of the relay calls that shows a sign-in. */
  isSignedIn(request: Request): boolean;
  /** Takes the connection over; false without a server (an in-process call). */
  upgrade(request: Request, data: SocketHandler, headers: Record<string, string>): boolean;
}

/** `GET /v1/agents/{id}/socket`: the inbox stream and the verbs over one WebSocket. */
export function socketRoute(areas: Areas, limit: RateLimit, server: SocketServer): Route {
  let unknown = 0;

  /** Counts a socket as unknown until the returned function is called. @throws Problem 429 */
  function admitUnknown(): () => void {
    if (unknown >= MAX_UNKNOWN)
      throw new Problem(
        "too-many-streams",
        `${MAX_UNKNOWN} sockets have not said yet who they are. Try again, or send the token as a header.`,
        { retryAfterSeconds: 5 },
      );
    unknown++;
    let counts = true;
    return () => {
      if (counts) unknown--;
      counts = false;
    };
  }

  return route(api.openSocket, async ({ params, query, request, headers, peer }) => {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
      throw new Problem("upgrade-required", "Connect with a WebSocket client.");
    const hasToken = request.headers.get("authorization") !== null || server.isSignedIn(request);
    const caller = hasToken ? await server.identify(request, headers["x-request-id"] ?? "") : undefined;
    const offered = request.headers
      .get("sec-websocket-protocol")
      ?.split(",")
      .map((name) => name.trim());
    // Bun picks the first offered subprotocol when none is chosen.
    if (offered && !offered.includes(api.SUBPROTOCOL))
      throw new Problem("bad-request", `The subprotocol here is ${api.SUBPROTOCOL}.`);
    const chosen: Record<string, string> = offered ? { "sec-websocket-protocol": api.SUBPROTOCOL } : {};
    const onKnown = caller ? () => undefined : admitUnknown();
    const withParents = query.include === "parent";
    const from = { agentId: params.id, after: query.after, withParents };
    const handler = createSocket(areas, limit, { ...from, caller, onKnown, peer: peer() });
    if (!server.upgrade(request, handler, chosen)) {
      onKnown();
      throw new Problem("upgrade-required", "This is not a WebSocket connection.");
    }
    return SWITCHED;
  });
}

/** Answer of a handler after an upgrade. The socket has the connection, so no client sees it. */
export const SWITCHED = new Response(null, { status: 200 });
