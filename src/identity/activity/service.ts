import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { Activity } from "../../protocol/activity.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { type Caller, readsAll } from "../auth/caller.ts";
import { type ActivityFilter, createActivityStore } from "./store.ts";

export type ActivityService = ReturnType<typeof createActivityService>;

/** The audit log of administrative acts. Sends and claims are their own record. */
export function createActivityService({ clock }: Kernel) {
  const store = createActivityStore();
  return {
    /** Writes who did what, in the write that does it. */
    record(
      tx: Tx,
      actor: { tokenId: string; personId?: string | null },
      verb: string,
      subject: string,
      data: Record<string, unknown> = {},
    ) {
      const { tokenId, personId: person = null } = actor;
      return store.add(tx, { at: clock.now(), actor: tokenId, person, verb, subject, data });
    },

    /** `GET /v1/activity`, newest first. Agents may not read it. */
    async list(on: ReadTx, caller: Caller, query: ActivityFilter & PageQuery<number>): Promise<List<Activity>> {
      if (!readsAll(caller))
        throw new Problem("forbidden", "Only people may read the activity log: operators, members and viewers.");
      const { limit, page, ...filter } = query;
      const before = page === undefined ? filter.before : Math.min(page, filter.before ?? page);
      return readList(
        { limit, page: before },
        (count, after) => store.page(on, { ...filter, before: after }, count),
        (row) => ({ ...row, at: toTime(row.at) }),
        ({ id }) => id,
      );
    },
  };
}
