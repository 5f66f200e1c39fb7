import { and, desc, eq, lt, type SQL } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { activity } from "./tables.ts";

export type ActivityRow = typeof activity.$inferSelect;

export interface ActivityFilter {
  actor?: string | undefined;
  subject?: string | undefined;
  verb?: string | undefined;
  before?: number | undefined;
}

export const activityStore = {
  async add(tx: Tx, row: Omit<ActivityRow, "id">): Promise<void> {
    tx.db.insert(activity).values(row).run();
  },
  /** Newest first. */
  async page(on: ReadTx, filter: ActivityFilter, limit: number): Promise<ActivityRow[]> {
    const where: SQL[] = [];
    if (filter.actor) where.push(eq(activity.actor, filter.actor));
    if (filter.subject) where.push(eq(activity.subject, filter.subject));
    if (filter.verb) where.push(eq(activity.verb, filter.verb));
    if (filter.before !== undefined) where.push(lt(activity.id, filter.before));
    return readRows(on, activity, and(...where), { orderBy: desc(activity.id), limit });
  },
};
