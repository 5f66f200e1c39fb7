import type { PresenceKeeper } from "../../identity/agents/presence.ts";
import type { Principal } from "../../identity/auth/caller.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { RateLimit } from "../../kernel/http/rate-limit.ts";
import type { Messaging } from "../core.ts";
import { createInbox } from "./inbox.ts";
import { createLooks } from "./poll.ts";
import { createRosterText } from "./roster-text.ts";
import type { SocketRouteParts } from "./socket-route.ts";
import { createInboxStreams } from "./stream.ts";
import { createWatchStreams } from "./watch.ts";

export interface ReadingParts {
  messaging: Messaging;
  presence: PresenceKeeper;
  limit: RateLimit;
  authenticate(secret: string): Promise<Principal>;
}

/** Wires the mouths of the log: poll, streams, socket, and the stream for people who watch. */
export function createReading({ messaging, presence, limit, authenticate }: ReadingParts) {
  const { agents, connections, clock, parked, leases } = messaging;
  const inbox = createInbox(messaging);
  const roster = createRosterText(messaging.roster, connections, clock);
  const streams = createInboxStreams({ ...messaging, inbox, roster });
  const watch = createWatchStreams(messaging);

  agents.onMembership((agentId) => {
    streams.membershipsChanged(agentId);
    watch.membershipsChanged(agentId);
  });
  parked.onReopened(streams.workReopened);
  leases.onChange((work) => watch.workChanged(work));

  return {
    inbox,
    streams,
    looks: createLooks({ ...messaging, inbox }),
    watch,
    async routes(how: Pick<SocketRouteParts, "identify" | "upgrade">): Promise<Route[]> {
      const [{ inboxRoutes }, { socketRoute }] = await Promise.all([
        import("./routes.ts"),
        import("./socket-route.ts"),
      ]);
      return [
        ...inboxRoutes({ ...messaging, inbox, streams, watch }),
        socketRoute({ ...messaging, ...how, presence, limit, authenticate, inbox, streams }),
      ];
    },
  };
}
