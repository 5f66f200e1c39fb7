import { and, desc, eq, lt, type SQL } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { everyColumn } from "../../kernel/db/statements.ts";
import { activity } from "./tables.ts";

export type ActivityRow = typeof activity.$inferSelect;

export interface ActivityFilter {
  actor?: string | undefined;
  subject?: string | undefined;
  verb?: string | undefined;
  before?: number | undefined;
}

const insert = statement((q) => q.insert(activity).values(everyColumn(activity, "id")).prepare());

export function createActivityStore() {
  return {
    add: async (tx: Tx, row: Omit<ActivityRow, "id">): Promise<void> => {
      insert(tx).run({ ...row });
    },
    /** Newest first. */
    page: async (on: ReadTx, filter: ActivityFilter, limit: number): Promise<ActivityRow[]> => {
      const where: SQL[] = [];
      if (filter.actor) where.push(eq(activity.actor, filter.actor));
      if (filter.subject) where.push(eq(activity.subject, filter.subject));
      if (filter.verb) where.push(eq(activity.verb, filter.verb));
      if (filter.before !== undefined) where.push(lt(activity.id, filter.before));
      return readRows(on, activity, and(...where), { orderBy: desc(activity.id), limit });
    },
  };
}
