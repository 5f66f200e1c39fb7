import { and, eq } from "drizzle-orm";
import { bound } from "../db/bound.ts";
import type { Db, Reading, Tx } from "../db/database.ts";
import { scheduled } from "./tables.ts";

export type ScheduledRow = typeof scheduled.$inferSelect;
export type ScheduledStore = ReturnType<typeof createScheduledStore>;

export function createScheduledStore(db: Db) {
  // Asked by every send that has a key.
  const byKey = db.statement((q) =>
    q
      .select()
      .from(scheduled)
      .where(and(eq(scheduled.fromId, bound("fromId")), eq(scheduled.idempotencyKey, bound("key"))))
      .prepare(),
  );
  return {
    add: async (tx: Tx, row: ScheduledRow): Promise<void> => {
      tx.db.insert(scheduled).values(row).run();
    },
    byKey: async (on: Reading, fromId: string, key: string): Promise<ScheduledRow | undefined> =>
      byKey(on).get({ fromId, key }),
    byId: async (on: Reading, id: string): Promise<ScheduledRow | undefined> =>
      on.db.select().from(scheduled).where(eq(scheduled.id, id)).get(),
    delivered: async (tx: Tx, id: string, messageId: number): Promise<void> => {
      tx.db.update(scheduled).set({ messageId }).where(eq(scheduled.id, id)).run();
    },
  };
}
