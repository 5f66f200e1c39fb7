import type { Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { readPage } from "../../kernel/pages.ts";
import type { Activity } from "../../protocol/activity.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { type ActivityFilter, type ActivityRow, activityStore } from "./store.ts";

export type ActivityService = ReturnType<typeof createActivityService>;

/** The audit log of administrative acts. Sends and claims are their own record. */
export function createActivityService({ db, clock }: Kernel) {
  return {
    /** Writes who did what, in the write that does it. */
    record(tx: Tx, actor: { tokenId: string }, verb: string, subject: string, data: Record<string, unknown> = {}) {
      return activityStore.add(tx, { at: clock.now(), actor: actor.tokenId, person: null, verb, subject, data });
    },

    /** `GET /v1/activity`, newest first. Operators and viewers alone. */
    async list(filter: ActivityFilter, page: number | undefined, limit: number): Promise<List<Activity>> {
      const before = page === undefined ? filter.before : Math.min(page, filter.before ?? page);
      const { items, more } = await db.read((on) =>
        readPage(
          limit,
          (count, last: ActivityRow | undefined) =>
            activityStore.page(on, { ...filter, before: last?.id ?? before }, count),
          ({ person: _, ...row }) => ({ ...row, at: toTime(row.at) }),
        ),
      );
      return { items, nextPage: more ? String(items.at(-1)?.id) : null };
    },
  };
}
