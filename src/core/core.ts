import type { Identity } from "../identity/identity.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type CoreOptions, createBase } from "./base.ts";
import { createFacets } from "./facets/facets.ts";
import { createHolding } from "./holding/holding.ts";
import { createAcked } from "./inbox/acked.ts";
import { createClaimants } from "./inbox/claimants.ts";
import { createDeliveries } from "./inbox/deliveries.ts";
import { createFleetStreams } from "./inbox/fleet.ts";
import { createInbox } from "./inbox/inbox.ts";
import { createInboxNotes } from "./inbox/inbox-notes.ts";
import { createPolls } from "./inbox/poll.ts";
import { createRosterText } from "./inbox/roster-text.ts";
import { createSettled } from "./inbox/settled.ts";
import { createInboxStreams } from "./inbox/stream.ts";
import { createWaits } from "./inbox/waits.ts";
import { createWatchStreams } from "./inbox/watch.ts";
import { createAccess } from "./messages/access.ts";
import { createDelayed } from "./messages/delayed.ts";
import { createEnded } from "./messages/ended.ts";
import { createExpiry } from "./messages/expiry.ts";
import { createExplainer } from "./messages/explain.ts";
import { createLinks } from "./messages/links.ts";
import { createLists } from "./messages/lists.ts";
import { createParents } from "./messages/parents.ts";
import { createQuotas } from "./messages/quotas.ts";
import { createReaders } from "./messages/readers.ts";
import { createSearch } from "./messages/search.ts";
import { createSender } from "./messages/send.ts";
import { createWarmUp } from "./messages/warm-up.ts";
import { createRetention } from "./retention/retention.ts";
import { createThreads } from "./threads/threads.ts";
import { createTrees } from "./trees/trees.ts";
import { createClaimQueue } from "./work/claim-queue.ts";
import { createClaims } from "./work/claims.ts";
import { createDrop } from "./work/drop.ts";
import { createHolders } from "./work/holders.ts";
import { createWorkItems } from "./work/items.ts";
import { createLeases } from "./work/leases.ts";
import { createParked } from "./work/parked.ts";

/** The areas that a feature builds on. */
export interface Areas {
  kernel: Kernel;
  identity: Identity;
  core: Core;
}

export type Core = Awaited<ReturnType<typeof createCore>>;

/** Messages, the work among them, the inboxes they are read from, and retention. */
export async function createCore(kernel: Kernel, identity: Identity, options: CoreOptions) {
  const { db, due, connections, clock, hooks, onError, headOf } = kernel;
  const { roster } = identity;
  const base = await createBase(kernel, identity, options);
  const { log } = base;
  const { messages: store, work: works } = base.rows;
  const holding = createHolding(hooks);
  const parked = createParked(hooks);
  const deliveries = createDeliveries(kernel, base.rows.inbox);
  const access = createAccess(base);
  const settled = createSettled(clock, hooks);
  const delayed = createDelayed(base.rows.delayed, due, clock);
  const ended = createEnded(base);
  const links = createLinks(base, ended, deliveries);
  const quotas = createQuotas(db, clock, options.quotas, onError);
  const trees = createTrees(hooks, options.budgets);
  const sender = createSender(base, { access, delayed, parked, links, quotas, deliveries, trees });
  const leases = createLeases(base, sender, parked);
  const items = createWorkItems(base, access);
  const claims = createClaims(base, { items, leases, holding });
  const holders = createHolders(base, { items, leases, sender, quotas });
  const expiry = createExpiry(base, { sender, holding });
  const drop = createDrop(base, { sender, leases });
  const search = createSearch(db, store, log.head, clock, onError);
  const lists = createLists(base, search);
  const acked = createAcked(hooks);
  const readers = createReaders(base, { access, lists, deliveries, acked });
  const parents = createParents(readers, deliveries);
  const explainer = createExplainer(base, access, deliveries);
  const waits = createWaits({ log, parked, connections, clock });
  const retention = createRetention(base);
  const inbox = createInbox(base, { settled, deliveries, acked });
  const rosterText = createRosterText(roster, connections, clock);
  const claimants = createClaimants();
  const watch = createWatchStreams(base, { lists, access, deliveries });
  const notes = createInboxNotes(clock, watch);
  const facets = createFacets(base);
  const threads = createThreads(base, { lists, watch, acked, facets });
  return {
    messages: {
      send: sender.send,
      sendAll: sender.sendAll,
      sendEach: sender.sendEach,
      post: sender.post,
      tell: sender.tell,
      append: sender.append,
      address: sender.address,
      appended: sender.appended,
      planned: sender.waiting.planned,
      waited: sender.waiting.waited,
      waiting: sender.waiting,
      spawning: sender.spawning,
      withholding: sender.withholding,
      requireStart: sender.requireStart,
      requireTurn: sender.requireTurn,
      answering: sender.answering,
      causeOf: sender.causeOf,
      held: sender.held,
      shape: sender.shape,
      check: sender.check,
      ended: ended.ended,
      story: explainer.story,
      inTurns: explainer.inTurns,
      runsTurns: explainer.runsTurns,
      log,
      rows: store,
      linkStore: base.rows.links,
      merges: base.merges,
      warmUp: createWarmUp(base),
      access,
      lists,
      readers,
      parents,
      explainer,
      quotas,
      delayed,
      search,
      searchLag: () => db.read(async (on) => headOf(on) - (await store.mark(on, "indexed"))),
    },
    work: {
      claims,
      holders,
      items,
      leases,
      parked,
      queue: createClaimQueue(base, claims, waits),
      rows: works,
      moved: leases.moved,
      told: leases.told,
      extras: items.extras,
      restated: items.restated,
      reported: holders.reported,
      progressTitle: holders.progressTitle,
      reopened: parked.reopened,
      dropAgent: drop.dropAgent,
    },
    inbox: {
      inbox,
      streams: createInboxStreams(base, { inbox, parents, deliveries, rosterText, claimants }),
      fleets: createFleetStreams(base, { inbox, deliveries, claimants }),
      claimants,
      polls: createPolls(base, { inbox, settled, deliveries }),
      watch,
      notes,
      deliveries,
      settled,
      acked,
      waits,
      rosterText,
    },
    threads,
    facets,
    holding,
    retention,
    trees,
    due: [{ dueHandlers: retention.dueHandlers, sources: [leases.source] }, expiry, drop],
  };
}
