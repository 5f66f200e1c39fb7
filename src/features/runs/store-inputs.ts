import { asc } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import { runInputs } from "./tables.ts";

type InputRow = typeof runInputs.$inferSelect;

/** Turns of one message that are shown. */
const MAX_SHOWN = 100;

export type InputStore = ReturnType<typeof createInputStore>;

const insert = statement((q) => q.insert(runInputs).values(everyColumn(runInputs)).onConflictDoNothing().prepare());
const ofMessage = rowsWhere(runInputs, equal(runInputs, "messageId"), {
  ...{ orderBy: asc(runInputs.at), limit: MAX_SHOWN },
});

/** Messages that went into model turns. */
export function createInputStore() {
  return {
    /** Keeps the first time of each message and run. */
    add: async (tx: Tx, row: InputRow): Promise<void> => {
      insert(tx).run({ ...row });
    },
    /** Earliest first. */
    ofMessage: async (on: ReadTx, messageId: number): Promise<InputRow[]> => ofMessage(on).all({ messageId }),
    forgetMessages: async (tx: Tx, ids: readonly number[]): Promise<void> => {
      tx.db.delete(runInputs).where(inIds(runInputs.messageId, ids)).run();
    },
  };
}
