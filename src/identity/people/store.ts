import { and, asc, eq, gt, isNull } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { PersonSender } from "../../protocol/people.ts";
import type { PersonRow } from "./row.ts";
import { people, personSenders } from "./tables.ts";

const byId = rowsWhere(people, equal(people, "id"));
const bySender = rowsWhere(personSenders, equal(personSenders, "channelId", "senderId"));

export function createPeopleStore() {
  return {
    byId: async (on: ReadTx, id: string): Promise<PersonRow | undefined> => byId(on).get({ id }),
    /** Person that a chat account belongs to. */
    bySender: async (on: ReadTx, sender: { channelId: string; senderId: string }): Promise<string | undefined> =>
      bySender(on).get(sender)?.personId,
    put: async (tx: Tx, row: PersonRow): Promise<void> => {
      tx.db.insert(people).values(row).onConflictDoUpdate({ target: people.id, set: row }).run();
    },
    sendersOf: async (on: ReadTx, personId: string): Promise<PersonSender[]> =>
      readRows(on, personSenders, eq(personSenders.personId, personId)).map(({ channelId, senderId }) => ({
        channelId,
        senderId,
      })),
    setSenders: async (tx: Tx, personId: string, senders: readonly PersonSender[]): Promise<void> => {
      tx.db.delete(personSenders).where(eq(personSenders.personId, personId)).run();
      for (const sender of senders)
        tx.db
          .insert(personSenders)
          .values({ ...sender, personId })
          .run();
    },
    operatorIds: async (on: ReadTx): Promise<string[]> =>
      readRows(on, people, and(eq(people.role, "operator"), isNull(people.deletedAt))).map(({ id }) => id),
    operators: async (on: ReadTx): Promise<PersonRow[]> =>
      readRows(on, people, and(eq(people.role, "operator"), isNull(people.deletedAt)), {
        orderBy: asc(people.id),
        limit: 20,
      }),
    /** By id, without deleted ones. */
    page: async (on: ReadTx, after: string, limit: number): Promise<PersonRow[]> =>
      readRows(on, people, and(gt(people.id, after), isNull(people.deletedAt)), { orderBy: asc(people.id), limit }),
  };
}
