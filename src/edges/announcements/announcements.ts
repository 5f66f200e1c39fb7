import type { Areas } from "../../core/core.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Announcement } from "../../protocol/announcements.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Channels } from "../channels/channels.ts";
import { createAnnouncer } from "./announce.ts";
import { createDelivery } from "./delivery.ts";
import { createFollow } from "./follow.ts";
import { createAnnouncementRouting } from "./routing.ts";
import { createAnnouncementService } from "./service.ts";
import { createAnnouncementStore } from "./store.ts";

export type Announcements = ReturnType<typeof createAnnouncements>;

/**
 * Results of runs on their way to whoever asked for them: a row and one message each. Delivery, order, retries and failures
 * are those of inboxes and of posts to channels.
 */
export function createAnnouncements(areas: Areas & { channels: Channels; runs: Runs }) {
  const { db } = areas.kernel;
  const { watch } = areas.core.inbox;
  const book = areas.runs.book;
  const store = createAnnouncementStore();
  const routing = createAnnouncementRouting(areas, book);
  const delivery = createDelivery(areas, { store, routing, book });
  const announcer = createAnnouncer(areas.kernel, { store, delivery, book });
  const follow = createFollow(areas, { store, delivery, book });
  const service = createAnnouncementService(areas, { store, delivery, book });

  /** Tells watchers that may read the message. */
  function showWatchers(said: Announcement, about: MessageId | null): void {
    if (about !== null) watch.about(about, "announcement", () => JSON.stringify(said));
    else watch.toAll("announcement", () => JSON.stringify(said));
  }

  return {
    changed: delivery.changed,
    announce: announcer.announce,
    followRun: announcer.followRun,
    dropOf: announcer.dropOf,
    acknowledge: follow.acknowledge,
    noteFailure: follow.noteFailure,
    followWork: follow.followWork,
    isTold: follow.isTold,
    dropAgent: follow.dropAgent,
    chainChanged: follow.chainChanged,
    settledAmong: follow.settledAmong,
    /** Keeps runs whose result is still on its way. */
    keepRuns: async (on: ReadTx, runIds: readonly string[]): Promise<true | undefined> =>
      (await store.anyOpen(on, runIds)) || undefined,
    forget: follow.forget,
    facts: follow.facts,
    showWatchers,
    blocked: delivery.blocked,
    find: store.byId,
    /** Blocked ones, oldest first. */
    stuck: (on: ReadTx, limit: number) => store.inState(on, "blocked", 0, limit),
    walk: store.walk,
    head: store.head,
    dismiss: service.dismiss,
    load: (): Promise<void> => db.read((on) => delivery.countBlocked(on)),
    dueHandlers: follow.dueHandlers,
    sweeps: service.sweeps,
    routes: lateRoutes(["/v1/announcements"], async () =>
      (await import("./routes.ts")).announcementRoutes(db, service),
    ),
  };
}
