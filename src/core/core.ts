import type { Logger } from "pino";
import type { Roster } from "../identity/agents/roster.ts";
import type { AgentService } from "../identity/agents/service.ts";
import type { AgentStore } from "../identity/agents/store.ts";
import { createMemberStore } from "../identity/agents/store-members.ts";
import type { Route } from "../identity/auth/route.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Db, Reading } from "../kernel/db/database.ts";
import type { Disk } from "../kernel/db/disk.ts";
import type { Due } from "../kernel/due/due.ts";
import type { Connections } from "../kernel/log/connections.ts";
import type { Log } from "../kernel/log/log.ts";
import { createOffers } from "./inbox/deliveries.ts";
import { createSettled } from "./inbox/settled.ts";
import { createInboxStore } from "./inbox/store.ts";
import { createWaits } from "./inbox/waits.ts";
import { createAccess } from "./messages/access.ts";
import { createSchedules } from "./messages/delayed.ts";
import { createEnded } from "./messages/ended.ts";
import { wireEnds } from "./messages/expiry.ts";
import { createExplainer } from "./messages/explain.ts";
import { createLinks } from "./messages/links.ts";
import { createLists } from "./messages/lists.ts";
import { createParents } from "./messages/parents.ts";
import { createQuotas, type QuotaLimits } from "./messages/quotas.ts";
import { createReaders } from "./messages/readers.ts";
import { createSearch } from "./messages/search.ts";
import { createSender } from "./messages/send.ts";
import { createMessageStore } from "./messages/store.ts";
import { createScheduledStore } from "./messages/store-delayed.ts";
import { createLinkStore } from "./messages/store-links.ts";
import { CAUTION, createRetention } from "./retention/retention.ts";
import { createTaking } from "./work/claiming.ts";
import { createClaims } from "./work/claims.ts";
import { createDrop } from "./work/drop.ts";
import { createLeases } from "./work/leases.ts";
import { createParked } from "./work/parked.ts";
import { createWorkStore } from "./work/store.ts";

export interface MessagingParts {
  db: Db;
  log: Log;
  due: Due;
  connections: Connections;
  agents: AgentService;
  agentStore: AgentStore;
  roster: Roster;
  clock: Clock;
  headOf(on: Reading): number;
  retentionDays: number;
  /** Time for which mail counts as the cause of its reader's messages. */
  loopWindowMs: number;
  quotas: QuotaLimits;
  disk: Disk;
  onError(error: unknown): void;
  logger: Logger;
}

const DAY_MS = 86_400_000;
const SHRUNK_AT_ONCE = 200;

export type Messaging = ReturnType<typeof createMessaging>;

/** Wires everything about messages and work, in order of who needs whom. */
export function createMessaging(parts: MessagingParts) {
  const { db, log, due, connections, agents, agentStore, roster, clock, headOf, onError, logger } = parts;
  const store = createMessageStore(db);
  const works = createWorkStore(db);
  const members = createMemberStore(db);
  const inboxStore = createInboxStore(db);
  const parked = createParked();
  const offers = createOffers(db, inboxStore, clock, onError);
  const access = createAccess(agents, store, works, members);
  const settled = createSettled(clock);
  const schedules = createSchedules(createScheduledStore(db), due, clock);
  const linkStore = createLinkStore(db);
  const ended = createEnded(store, works, clock);
  const links = createLinks({ store, linkStore, ended, offers, works, clock, headOf, windowMs: parts.loopWindowMs });
  const quotas = createQuotas(db, clock, parts.quotas, onError);
  const base = {
    ...{
      db,
      agents,
      agentStore,
      roster,
      store,
      works,
      members,
      inboxStore,
      access,
      settled,
      schedules,
      log,
      parked,
      due,
    },
    ...{ clock, headOf, offers, connections, onError, links, linkStore, ended, quotas, disk: parts.disk },
  };
  const sender = createSender(base);
  const leases = createLeases({ ...base, sender });
  const claims = createClaims({ ...base, sender, leases });
  wireEnds({ ...base, sender, logger });
  const dropAgent = createDrop({ ...base, sender, leases });
  const search = createSearch(db, store, log.head, clock, onError);
  const lists = createLists(db, agents, agentStore, store, works, search);
  const readers = createReaders({ ...base, lists });
  const parents = createParents(readers, offers);
  const explainer = createExplainer(base);
  const waits = createWaits(base);
  const taking = createTaking({ db, claims, members, waits });
  const retention = createRetention({ ...base, days: parts.retentionDays });

  agents.onMembership(waits.nudge);
  roster.onChange(({ agentId, ready }) => waits.setReady(agentId, ready));
  log.onPublish(() => search.notice());
  retention.onRun((report) => logger.info(report, "retention ran"));
  retention.onRun(() => void shrinkTombstones().catch(onError));

  /** Shrinks agents deleted before the retention time to their ids, unless only a clock jump makes them look so old. */
  async function shrinkTombstones(): Promise<void> {
    if (await db.read((on) => due.find(on, CAUTION, "log"))) return;
    const before = clock.now() - parts.retentionDays * DAY_MS;
    while ((await db.background((tx) => agents.shrinkTombstones(tx, before, SHRUNK_AT_ONCE))) >= SHRUNK_AT_ONCE);
  }

  return {
    ...base,
    /** To be called after what every feature does about a deleted agent: what is left then ends. */
    dropAgent,
    ...{ logger, sender, leases, claims, lists, readers, parents, explainer, waits, taking, retention, search },
    searchLag: async () => db.read(async (on) => headOf(on) - (await store.mark(on, "indexed"))),
    async routes(): Promise<Route[]> {
      const [{ messageRoutes }, { workRoutes }] = await Promise.all([
        import("./messages/routes.ts"),
        import("./work/routes.ts"),
      ]);
      return [
        ...messageRoutes({ db, sender, lists, readers, offers, explainer }),
        ...workRoutes({ db, claims, works, taking, parents }),
      ];
    },
  };
}
