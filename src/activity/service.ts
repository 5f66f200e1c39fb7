import type { Clock } from "../clock.ts";
import type { Db, Tx } from "../db/database.ts";
import { type List, toTime } from "../wire.ts";
import type { Activity } from "./schema.ts";
import { type ActivityFilter, activityStore } from "./store.ts";

export type ActivityService = ReturnType<typeof createActivityService>;

/** The audit log of administrative acts. Sends and claims are their own record. */
export function createActivityService(db: Db, clock: Clock) {
  return {
    /** Writes who did what, in the write that does it. */
    record(tx: Tx, actor: { tokenId: string }, verb: string, subject: string, data: Record<string, unknown> = {}) {
      return activityStore.add(tx, { at: clock.now(), actor: actor.tokenId, verb, subject, data });
    },

    /** `GET /v1/activity`, newest first. Operators and viewers alone. */
    async list(filter: ActivityFilter, page: number | undefined, limit: number): Promise<List<Activity>> {
      const before = page === undefined ? filter.before : Math.min(page, filter.before ?? page);
      const rows = await db.read((on) => activityStore.page(on, { ...filter, before }, limit + 1));
      const items = rows.slice(0, limit).map((row) => ({ ...row, at: toTime(row.at) }));
      return { items, nextPage: rows.length > limit ? String(items.at(-1)?.id) : null };
    },
  };
}
