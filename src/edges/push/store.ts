import { and, asc, count, desc, eq, gt, isNotNull, isNull, lt, type SQL } from "drizzle-orm";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { pushNotes, pushSubscriptions } from "./tables.ts";

export type SubscriptionRow = typeof pushSubscriptions.$inferSelect;
export type NoteRow = typeof pushNotes.$inferSelect;
export type PushStore = ReturnType<typeof createPushStore>;

const ofPerson = (person: string | null): SQL | undefined =>
  person === null ? isNull(pushSubscriptions.personId) : eq(pushSubscriptions.personId, person);
const isNote = ({ subscriptionId, tag }: Pick<NoteRow, "subscriptionId" | "tag">): SQL | undefined =>
  and(eq(pushNotes.subscriptionId, subscriptionId), eq(pushNotes.tag, tag));

export function createPushStore(db: Db) {
  // Asked for each message to `user`.
  const hasAny = db.keep(
    "push subscriptions",
    (on, _): boolean => on.db.select({ id: pushSubscriptions.id }).from(pushSubscriptions).limit(1).get() !== undefined,
  );

  return {
    /** Whether anybody is told by push. */
    any: (on: ReadTx): boolean => hasAny.get(on, ""),
    byId: async (on: ReadTx, id: string): Promise<SubscriptionRow | undefined> =>
      readRows(on, pushSubscriptions, eq(pushSubscriptions.id, id))[0],
    byEndpoint: async (on: ReadTx, endpoint: string): Promise<SubscriptionRow | undefined> =>
      readRows(on, pushSubscriptions, eq(pushSubscriptions.endpoint, endpoint))[0],
    /** Newest first; those of tokens without a person for null. */
    of: async (on: ReadTx, person: string | null): Promise<SubscriptionRow[]> =>
      readRows(on, pushSubscriptions, ofPerson(person), { orderBy: desc(pushSubscriptions.id) }),
    all: async (on: ReadTx, limit: number): Promise<SubscriptionRow[]> =>
      readRows(on, pushSubscriptions, undefined, { orderBy: asc(pushSubscriptions.id), limit }),
    ofToken: async (on: ReadTx, tokenId: SubscriptionRow["tokenId"]): Promise<SubscriptionRow[]> =>
      readRows(on, pushSubscriptions, eq(pushSubscriptions.tokenId, tokenId)),
    put: async (tx: Tx, row: SubscriptionRow): Promise<void> => {
      tx.db.insert(pushSubscriptions).values(row).onConflictDoUpdate({ target: pushSubscriptions.id, set: row }).run();
      hasAny.forget();
    },
    change: async (tx: Tx, id: string, changes: Partial<SubscriptionRow>): Promise<void> => {
      tx.db.update(pushSubscriptions).set(changes).where(eq(pushSubscriptions.id, id)).run();
    },
    /** Deletes one with its notes. */
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(pushNotes).where(eq(pushNotes.subscriptionId, id)).run();
      tx.db.delete(pushSubscriptions).where(eq(pushSubscriptions.id, id)).run();
      hasAny.forget();
    },

    note: async (on: ReadTx, of: Pick<NoteRow, "subscriptionId" | "tag">): Promise<NoteRow | undefined> =>
      readRows(on, pushNotes, isNote(of))[0],
    putNote: async (tx: Tx, row: NoteRow): Promise<void> => {
      const target = [pushNotes.subscriptionId, pushNotes.tag];
      tx.db.insert(pushNotes).values(row).onConflictDoUpdate({ target, set: row }).run();
    },
    removeNote: async (tx: Tx, note: NoteRow): Promise<void> => {
      tx.db.delete(pushNotes).where(isNote(note)).run();
    },
    /** Notes to be sent, the first due first. */
    pending: async (on: ReadTx, subscriptionId: string, limit: number): Promise<NoteRow[]> =>
      readRows(on, pushNotes, and(eq(pushNotes.subscriptionId, subscriptionId), isNotNull(pushNotes.nextAt)), {
        orderBy: asc(pushNotes.nextAt),
        limit,
      }),
    countPending: async (on: ReadTx, subscriptionId: string): Promise<number> =>
      on.db
        .select({ n: count() })
        .from(pushNotes)
        .where(and(eq(pushNotes.subscriptionId, subscriptionId), isNotNull(pushNotes.nextAt)))
        .get()?.n ?? 0,
    /** Notes that the device may still show, the oldest first. */
    sent: async (on: ReadTx, subscriptionId: string, limit: number): Promise<NoteRow[]> =>
      readRows(on, pushNotes, and(eq(pushNotes.subscriptionId, subscriptionId), isNull(pushNotes.nextAt)), {
        orderBy: asc(pushNotes.sentAt),
        limit,
      }),
    /** Brings pending notes forward to this time, after the clock was set back. */
    hurryAll: async (tx: Tx, latest: number): Promise<void> => {
      tx.db.update(pushNotes).set({ nextAt: latest }).where(gt(pushNotes.nextAt, latest)).run();
    },
    /** Deletes some notes whose time is over. @returns how many */
    thin: async (tx: Tx, before: number, limit: number): Promise<number> =>
      deleteSome(tx, pushNotes, lt(pushNotes.expiresAt, before), limit),
  };
}
