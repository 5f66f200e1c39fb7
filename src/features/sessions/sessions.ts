import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Place } from "../../protocol/places.ts";
import type { SessionChange } from "../../protocol/sessions.ts";
import { createSessionAccess } from "./access.ts";
import { createSessionBook } from "./book.ts";
import { createSessionCounts } from "./counts.ts";
import { createSessionEnding } from "./ending.ts";
import { createSessionLeases } from "./leases.ts";
import { managedBy } from "./managed.ts";
import { createSessionService } from "./service.ts";
import { sessionStore as store } from "./store.ts";
import { createStateStore } from "./store-states.ts";
import { createTracks } from "./tracks.ts";

export type Sessions = ReturnType<typeof createSessions>;

/** Live sessions of an agent that are looked at for one place. */
const MAX_LIVE = 1000;

/** Sessions: dialogues kept by agent CLIs, each with one writer at a time. */
export function createSessions(areas: Areas) {
  const { watch } = areas.core.inbox;
  const access = createSessionAccess(areas);
  const tracks = createTracks(areas, access, createStateStore());
  const book = createSessionBook(areas, tracks);
  const service = createSessionService(areas, { access, book });
  const leases = createSessionLeases(areas, { access, book });
  const ending = createSessionEnding(areas, book);
  const counts = createSessionCounts(areas);

  const dead: Sweep = {
    name: "sessions",
    limit: 200,
    async sweep(tx, { before, limit }) {
      const numbers = await store.forget(tx, before, limit);
      tracks.forget(tx, numbers);
      return numbers.length;
    },
  };

  return {
    changed: book.changed,
    reported: book.reported,
    find: store.byId,
    liveOf: store.liveOf,
    liveUnder: store.liveUnder,
    onAccount: store.onAccount,
    stuck: store.stuck,
    awayBy: store.awayBy,
    countLive: store.countLive,
    /** Agents with a live session in a project. */
    agentsIn: async (on: ReadTx, project: string): Promise<string[]> =>
      (await store.liveIn(on, project)).map(({ agentId }) => agentId),
    /** Orchestrators with a live session in a project. */
    orchestratorsIn: async (on: ReadTx, project: string): Promise<string[]> =>
      (await store.liveIn(on, project)).map(({ orchestratorId }) => orchestratorId),
    /** Whether an agent has a live session. */
    hasLive: async (on: ReadTx, agentId: string): Promise<boolean> => (await store.liveOf(on, agentId, 1)).length > 0,
    /** Whether an agent has a main session at one of these places: it takes a message there without starting anew. */
    hasMainAt: async (on: ReadTx, agentId: string, places: readonly Place[]): Promise<boolean> =>
      (await store.liveOf(on, agentId, MAX_LIVE)).some(
        ({ lane, place }) => lane === "main" && places.some((one) => Bun.deepEquals(one, place)),
      ),
    followOrchestrator: book.followOrchestrator,
    followRun: book.followRun,
    isOf: book.isOf,
    isLiveOf: book.isLiveOf,

    recentOf: book.recentOf,
    managedBy,
    counts,
    showWatchers: (change: SessionChange): void => watch.toAll("session", () => JSON.stringify(change), change.id),
    dropAgent: ending.dropAgent,
    dueHandlers: ending.dueHandlers,
    sweeps: [dead, tracks.sweep],
    routes: lateRoutes(["/v1/sessions"], async () =>
      (await import("./routes.ts")).sessionRoutes(areas.kernel.db, { service, leases, book, tracks }),
    ),
  };
}
