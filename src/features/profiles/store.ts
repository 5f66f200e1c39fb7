import { asc, eq, gt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { profiles } from "./tables.ts";

export type ProfileRow = typeof profiles.$inferSelect;

/** Profiles are few, and change at the pace of people. */
export const profileStore = {
  byName: async (on: ReadTx, name: string): Promise<ProfileRow | undefined> =>
    on.db.select().from(profiles).where(eq(profiles.name, name)).get(),
  put: async (tx: Tx, row: ProfileRow): Promise<void> => {
    tx.db.insert(profiles).values(row).onConflictDoUpdate({ target: profiles.name, set: row }).run();
  },
  remove: async (tx: Tx, name: string): Promise<void> => {
    tx.db.delete(profiles).where(eq(profiles.name, name)).run();
  },
  /** By name. */
  page: async (on: ReadTx, after: string, limit: number): Promise<ProfileRow[]> =>
    readRows(on, profiles, gt(profiles.name, after), { orderBy: asc(profiles.name), limit }),
};
