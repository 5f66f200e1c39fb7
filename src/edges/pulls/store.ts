import { asc, lt } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import { pullLinks, pullReplies } from "./tables.ts";

type PullLink = typeof pullLinks.$inferSelect;
type PullReply = typeof pullReplies.$inferSelect;

/** Runs of one pull request or branch that hear of it. */
const MAX_RUNS = 100;

export type PullStore = ReturnType<typeof createPullStore>;

const addLink = statement((q) => q.insert(pullLinks).values(everyColumn(pullLinks)).onConflictDoNothing().prepare());
const linked = rowsWhere(pullLinks, equal(pullLinks, "key"), {
  orderBy: asc(pullLinks.createdAt),
  limit: MAX_RUNS,
});
const addReply = statement((q) =>
  q
    .insert(pullReplies)
    .values(everyColumn(pullReplies))
    .onConflictDoNothing()
    .returning({ pull: pullReplies.pull })
    .prepare(),
);

/** Links of runs to pull requests and branches, and what each place was told. */
export function createPullStore() {
  return {
    link: async (tx: Tx, row: PullLink): Promise<void> => void addLink(tx).run(row),
    /** Runs that link to it, oldest first. */
    runsOf: async (on: ReadTx, key: string): Promise<string[]> =>
      linked(on)
        .all({ key })
        .map(({ runId }) => runId),
    /** Whether the place hears of this state for the first time. */
    noteReply: async (tx: Tx, row: PullReply): Promise<boolean> => addReply(tx).get(row) !== undefined,
    forgetLinks: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, pullLinks, lt(pullLinks.createdAt, before), limit),
    forgetReplies: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, pullReplies, lt(pullReplies.createdAt, before), limit),
  };
}
