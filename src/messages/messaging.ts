import type { Logger } from "pino";
import type { PresenceKeeper } from "../agents/presence.ts";
import type { Roster } from "../agents/roster.ts";
import type { AgentService } from "../agents/service.ts";
import type { AgentStore } from "../agents/store.ts";
import { createMemberStore } from "../agents/store-members.ts";
import type { Principal } from "../auth/caller.ts";
import type { Clock } from "../clock.ts";
import type { Db, Reading } from "../db/database.ts";
import type { Due } from "../due/due.ts";
import type { Route } from "../http/call.ts";
import type { RateLimit } from "../http/rate-limit.ts";
import type { Connections } from "../log/connections.ts";
import type { Log } from "../log/log.ts";
import { createAccess } from "./access.ts";
import { createClaims } from "./claims.ts";
import { wireEnds } from "./ends.ts";
import { createExplainer } from "./explain.ts";
import { createInbox } from "./inbox.ts";
import { inboxRoutes } from "./inbox-routes.ts";
import { createInboxStreams } from "./inbox-stream.ts";
import { createLeases } from "./leases.ts";
import { createLists } from "./lists.ts";
import { createOffers } from "./offers.ts";
import { createParked } from "./parked.ts";
import { createReaders } from "./readers.ts";
import { createRetention } from "./retention.ts";
import { createRosterText } from "./roster-text.ts";
import { messageRoutes } from "./routes.ts";
import { createSchedules } from "./scheduled.ts";
import { createSearch } from "./search.ts";
import { createSender } from "./send.ts";
import { type SocketRouteParts, socketRoute } from "./socket-route.ts";
import { createMessageStore } from "./store.ts";
import { createInboxStore } from "./store-inbox.ts";
import { createScheduledStore } from "./store-scheduled.ts";
import { createWorkStore } from "./store-work.ts";
import { createWaits } from "./waits.ts";
import { createWatchStreams } from "./watch-stream.ts";
import { workRoutes } from "./work-routes.ts";

export interface MessagingParts {
  db: Db;
  log: Log;
  due: Due;
  connections: Connections;
  agents: AgentService;
  agentStore: AgentStore;
  roster: Roster;
  presence: PresenceKeeper;
  limit: RateLimit;
  clock: Clock;
  headOf(on: Reading): number;
  retentionDays: number;
  authenticate(secret: string): Promise<Principal>;
  onError(error: unknown): void;
  logger: Logger;
}

/** Wires everything about messages, in order of who needs whom. */
export function createMessaging(parts: MessagingParts) {
  const { db, log, due, connections, agents, agentStore, roster, clock, headOf, onError, logger } = parts;
  const store = createMessageStore(db);
  const works = createWorkStore(db);
  const members = createMemberStore(db);
  const inboxStore = createInboxStore(db);
  const parked = createParked();
  const offers = createOffers(db, inboxStore, clock, onError);
  const access = createAccess(agents, store, works, members);
  const schedules = createSchedules(createScheduledStore(db), due, clock);
  const base = {
    agents,
    agentStore,
    store,
    works,
    members,
    access,
    schedules,
    log,
    parked,
    due,
    clock,
    headOf,
    offers,
  };
  const sender = createSender(base);
  const leases = createLeases({ ...base, sender });
  const claims = createClaims({ ...base, sender, leases });
  wireEnds({ ...base, sender, leases });
  const search = createSearch(db, store, log.head, clock, onError);
  const inbox = createInbox({ ...base, inboxStore });
  const lists = createLists(agents, agentStore, store, works, search);
  const readers = createReaders({ ...base, lists });
  const explainer = createExplainer({ ...base, roster });
  const rosterText = createRosterText(roster, connections, clock);
  const streams = createInboxStreams({ ...base, db, inbox, connections, roster: rosterText, onError });
  const watch = createWatchStreams({ ...base, db, lists, connections, onError });
  const waits = createWaits({ log, parked, connections, clock });
  const retention = createRetention({
    ...{ db, store, due, log, clock, headOf, onError, days: parts.retentionDays },
  });

  agents.onMembership((agentId) => {
    streams.membershipsChanged(agentId);
    watch.membershipsChanged(agentId);
    waits.nudge(agentId);
  });
  roster.onChange(({ agentId, ready }) => waits.setReady(agentId, ready));
  parked.onReopened(streams.workReopened);
  leases.onChange(watch.workChanged);
  log.onPublish(() => search.notice());
  retention.onRun((report) => logger.info(report, "retention ran"));

  return {
    offers,
    parked,
    retention,
    search,
    searchLag: async () => db.read(async (on) => headOf(on) - (await store.mark(on, "indexed"))),
    onSent: (listener: (n: number) => void) => log.onPublish((entries) => listener(entries.length)),
    onOffered: (listener: (transport: string, n: number) => void) => offers.onNoted(listener),
    onWork: (listener: (state: string) => void) => leases.onChange((work) => listener(work.state)),
    routes: (how: Pick<SocketRouteParts, "identify" | "upgrade">): Route[] => [
      ...messageRoutes({ db, sender, lists, readers, explainer }),
      ...inboxRoutes({ db, inbox, streams, watch, lists, readers, works, offers, waits }),
      socketRoute({ ...parts, ...how, inbox, streams, sender, claims }),
      ...workRoutes({ db, claims, members, works, waits }),
    ],
  };
}
