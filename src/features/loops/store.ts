import { and, desc, eq, isNotNull, isNull, lt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { LoopKind } from "../../protocol/loops.ts";
import { loops } from "./tables.ts";

export type LoopRow = typeof loops.$inferSelect;

const byRoot = rowsWhere(loops, equal(loops, "rootId", "kind"));

/** Pauses of chains and threads. */
export function createLoopStore() {
  return {
    find: async (on: ReadTx, rootId: number, kind: LoopKind): Promise<LoopRow | undefined> =>
      byRoot(on).get({ rootId, kind }),
    put: async (tx: Tx, row: LoopRow): Promise<void> => {
      tx.db
        .insert(loops)
        .values(row)
        .onConflictDoUpdate({ target: [loops.rootId, loops.kind], set: row })
        .run();
    },
    /** Loops that a message paused. */
    byMessage: async (on: ReadTx, messageId: number): Promise<LoopRow[]> =>
      on.db.select().from(loops).where(eq(loops.messageId, messageId)).all(),
    /** Newest first, by the message that paused them. `resumed` keeps only chains that were, or were not, resumed. */
    page: async (on: ReadTx, resumed: boolean | undefined, before: number | undefined, limit: number) =>
      readRows(
        on,
        loops,
        and(
          before === undefined ? undefined : lt(loops.messageId, before),
          resumed === undefined ? undefined : eq(loops.kind, "chain"),
          resumed === undefined ? undefined : resumed ? isNotNull(loops.resumedAt) : isNull(loops.resumedAt),
        ),
        { orderBy: desc(loops.messageId), limit },
      ),
    removeOf: async (tx: Tx, messageIds: readonly number[]): Promise<void> => {
      tx.db.delete(loops).where(inIds(loops.messageId, messageIds)).run();
    },
  };
}
