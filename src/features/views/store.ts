import { and, asc, count, eq, gt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { views } from "./tables.ts";

export type ViewRow = typeof views.$inferSelect;

const is = ({ person, name }: Pick<ViewRow, "person" | "name">) => and(eq(views.person, person), eq(views.name, name));

/** Views are few, and change at the pace of people. */
export const viewStore = {
  find: async (on: ReadTx, key: Pick<ViewRow, "person" | "name">): Promise<ViewRow | undefined> =>
    on.db.select().from(views).where(is(key)).get(),
  count: async (on: ReadTx, person: string): Promise<number> =>
    on.db.select({ n: count() }).from(views).where(eq(views.person, person)).get()?.n ?? 0,
  put: async (tx: Tx, row: ViewRow): Promise<void> => {
    tx.db
      .insert(views)
      .values(row)
      .onConflictDoUpdate({ target: [views.person, views.name], set: row })
      .run();
  },
  remove: async (tx: Tx, key: Pick<ViewRow, "person" | "name">): Promise<void> => {
    tx.db.delete(views).where(is(key)).run();
  },
  /** Of one person, by name. */
  page: async (on: ReadTx, person: string, after: string, limit: number): Promise<ViewRow[]> =>
    readRows(on, views, and(eq(views.person, person), gt(views.name, after)), { orderBy: asc(views.name), limit }),
};
