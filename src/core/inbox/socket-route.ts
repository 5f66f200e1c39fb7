import { z } from "zod";
import type { Caller } from "../../identity/auth/caller.ts";
import { type Route, route } from "../../identity/auth/route.ts";
import type { SocketHandler } from "../../kernel/http/socket-outlet.ts";
import { Problem } from "../../protocol/problem.ts";
import { queryInt } from "../../protocol/wire.ts";
import { AgentPath } from "../messages/routes.ts";
import { ClientFrame, SocketFrame } from "./events.ts";
import { createSocket, type SocketParts } from "./socket.ts";

export const SUBPROTOCOL = "signalbox.v1";

/** Sockets that have not said yet who they are. Each may hold a whole frame in memory until its 5 s are over. */
const MAX_UNKNOWN = 32;

const SocketQuery = z.strictObject({
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  include: z.literal("parent").optional(),
});

export interface SocketRouteParts extends SocketParts {
  identify(request: Request, requestId: string): Promise<Caller>;
  /** Takes the connection over; false when there is no server to do it (an in-process call). */
  upgrade(request: Request, data: SocketHandler, headers: Record<string, string>): boolean;
}

/** `GET /v1/agents/{id}/socket`: the inbox stream and the verbs over one WebSocket. */
export function socketRoute(parts: SocketRouteParts): Route {
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

  return route({
    method: "GET",
    path: "/v1/agents/{id}/socket",
    operationId: "openSocket",
    summary: "An inbox and the verbs over one WebSocket",
    description:
      `Subprotocol ${SUBPROTOCOL}. Server frames are the stream's events as { type, ... }. Client frames: send, ack, claim, ` +
      "renew, release, fail, complete, heartbeat, each with a ref, answered by ok or problem with that ref. A browser " +
      "sends { type: auth, token } first, within 5 s and of at most 4 KiB. " +
      "With include=parent replies and claims carry their parent.",
    tag: "Inbox",
    // Whoever cannot set headers says who it is in its first frame.
    open: true,
    params: AgentPath,
    query: SocketQuery,
    socket: { subprotocol: SUBPROTOCOL, client: ClientFrame, server: SocketFrame },
    answers: { 101: { description: "Switched to WebSocket." } },
    problems: ["bad-request", "unauthorized", "forbidden", "upgrade-required", "superseded", "too-many-streams"],
    run: async ({ params, query, request, headers, peer }) => {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
        throw new Problem("upgrade-required", "Connect with a WebSocket client.");
      const hasToken = request.headers.get("authorization") !== null;
      const caller = hasToken ? await parts.identify(request, headers["x-request-id"] ?? "") : undefined;
      const offered = request.headers
        .get("sec-websocket-protocol")
        ?.split(",")
        .map((name) => name.trim());
      // Bun takes up the first that is offered when none is chosen.
      if (offered && !offered.includes(SUBPROTOCOL))
        throw new Problem("bad-request", `The subprotocol here is ${SUBPROTOCOL}.`);
      const chosen: Record<string, string> = offered ? { "sec-websocket-protocol": SUBPROTOCOL } : {};
      const onKnown = caller ? () => undefined : admitUnknown();
      const withParents = query.include === "parent";
      const from = { agentId: params.id, after: query.after, withParents };
      const handler = createSocket(parts, { ...from, caller, onKnown, peer: peer() });
      if (!parts.upgrade(request, handler, chosen)) {
        onKnown();
        throw new Problem("upgrade-required", "This is not a WebSocket connection.");
      }
      return SWITCHED;
    },
  });
}

/** What a handler returns after an upgrade: the connection has been taken over, so nobody sees it. */
export const SWITCHED = new Response(null, { status: 200 });
