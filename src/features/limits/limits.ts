import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Limit } from "../../protocol/sessions.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { createLimitBook } from "./book.ts";
import { createLimitProbes } from "./probes.ts";
import { createLimitService } from "./service.ts";

export type Limits = ReturnType<typeof createLimits>;

/** Limits that providers set for accounts, shared by all sessions on them. */
export function createLimits(areas: Areas & { sessions: Sessions }) {
  const { db } = areas.kernel;
  const { watch } = areas.core.inbox;
  const book = createLimitBook(areas);
  const probes = createLimitProbes(areas, book);
  const service = createLimitService(areas, { book, probes });
  return {
    changed: book.changed,
    counts: book.counts,
    load: () => db.read((on) => book.load(on)),
    showWatchers: (limit: Limit, cleared: boolean): void =>
      watch.toAll("limit", () => JSON.stringify({ ...limit, cleared })),
    dueHandlers: probes.dueHandlers,
    routes: lateRoutes(["/v1/limits"], async () => (await import("./routes.ts")).limitRoutes(db, service)),
  };
}
