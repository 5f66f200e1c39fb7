import { asc } from "drizzle-orm";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import { runInputs } from "./tables.ts";

type InputRow = typeof runInputs.$inferSelect;

/** Turns of one message that are shown. */
const MAX_SHOWN = 100;

export type InputStore = ReturnType<typeof createInputStore>;

/** Messages that went into model turns. */
export function createInputStore(db: Db) {
  const insert = db.statement((q) =>
    q.insert(runInputs).values(everyColumn(runInputs)).onConflictDoNothing().prepare(),
  );
  const ofMessage = rowsWhere(db, runInputs, equal(runInputs, "messageId"), {
    ...{ orderBy: asc(runInputs.at), limit: MAX_SHOWN },
  });
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
