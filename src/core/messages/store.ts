import { and, asc, desc, eq, gt, lte, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inList } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { changeWhere, columns, columnsWhere, equal, everyColumn, pick, rowsWhere } from "../../kernel/db/statements.ts";
import { PAGE_BYTES } from "../../kernel/pages.ts";
import type { Span } from "../../protocol/ids.ts";
import type { ByTarget } from "./by-target.ts";
import type { Candidate, Content, Excerpt, IndexedText, Lineage, MessageRow } from "./row.ts";
import { createCandidates } from "./store-candidates.ts";
import { marks, messages, reads } from "./tables.ts";

export type MessageStore = ReturnType<typeof createMessageStore>;

/** Longest excerpt of a body. */
export const EXCERPT_CHARACTERS = 280;
const FETCH_AT_ONCE = 25;
const MAX_REPLIES = 500;

export const lineageColumns = {
  ...pick(messages, "id", "fromId", "target", "threadId", "rootId", "hops", "kind", "source", "streak", "workId"),
  createdAt: messages.createdAt,
};

const insert = statement((q) => q.insert(messages).values(everyColumn(messages)).prepare());
const byId = rowsWhere(messages, equal(messages, "id"));
const content = columnsWhere(pick(messages, "body", "opaque", "payload"), messages, equal(messages, "id"));
const personOf = columnsWhere(pick(messages, "person"), messages, equal(messages, "id"));
const excerpt = columnsWhere(
  {
    ...pick(messages, "id", "fromId", "target", "opaque", "createdAt"),
    body: sql<string>`substr(${messages.body}, 1, ${sql.raw(String(EXCERPT_CHARACTERS))})`,
  },
  messages,
  equal(messages, "id"),
);
const readsOf = rowsWhere(reads, equal(reads, "messageId"), {
  orderBy: asc(reads.agentId),
  limit: 500,
});
const byIds = rowsWhere(messages, inList(messages.id, "ids"));
const byKey = rowsWhere(messages, and(equal(messages, "fromId"), eq(messages.idempotencyKey, bound("key"))));
const lineage = columnsWhere(lineageColumns, messages, equal(messages, "id"));
const sentTo = columnsWhere(
  pick(messages, "id", "fromId", "kind", "claimable", "expiresAt"),
  messages,
  inList(messages.id, "ids"),
  { orderBy: asc(messages.id) },
);
const textsAfter = columnsWhere(
  {
    ...pick(messages, "id", "fromId", "target", "opaque", "subject"),
    // A short one whole: substr ends at a NUL.
    body: sql<string>`iif(octet_length(${messages.body}) <= ${bound("characters")}, ${messages.body}, substr(${messages.body}, 1, ${bound("characters")}))`,
  },
  messages,
  gt(messages.id, bound("after")),
  { orderBy: asc(messages.id), limit: "limit" },
);
const countedAfter = columnsWhere(
  pick(messages, "id", "fromId", "target", "kind", "createdAt"),
  messages,
  gt(messages.id, bound("after")),
  { orderBy: asc(messages.id), limit: "limit" },
);
const before = rowsWhere(messages, lte(messages.id, bound("upTo")), {
  orderBy: desc(messages.id),
  limit: "limit",
});
const readAt = columnsWhere(pick(reads, "at"), reads, equal(reads, "messageId", "agentId"));
const setMark = changeWhere(marks, columns("position"), equal(marks, "name"));
const mark = columnsWhere(pick(marks, "position"), marks, equal(marks, "name"));

/** The log: appending to it and reading it by place. */
export function createMessageStore(appended: (tx: Tx, row: Candidate) => void, byTarget: ByTarget) {
  return {
    ...createCandidates(byTarget),
    append(tx: Tx, row: MessageRow): void {
      insert(tx).run(row);
      appended(tx, row);
    },
    byId: async (on: ReadTx, id: number): Promise<MessageRow | undefined> => byId(on).get({ id }),
    /** The content alone, without the envelope. */
    content: async (on: ReadTx, id: number): Promise<Content | undefined> => content(on).get({ id }),
    /** The beginning of a body: a whole one of 256 KiB takes milliseconds to become a string. */
    excerpt: async (on: ReadTx, id: number): Promise<Excerpt | undefined> => excerpt(on).get({ id }),
    byKey: (on: ReadTx, fromId: string, key: string): MessageRow | undefined => byKey(on).get({ fromId, key }),
    lineage: async (on: ReadTx, id: number): Promise<Lineage | undefined> => lineage(on).get({ id }),

    /** The part of messages that statistics count, oldest first. */
    countedAfter: async (on: ReadTx, after: number, limit: number) => countedAfter(on).all({ after, limit }),

    /** In the order asked for, and no more than 4 MiB of them (but at least one). */
    rows: async (on: ReadTx, ids: readonly number[]): Promise<MessageRow[]> => {
      const rows: MessageRow[] = [];
      let bytes = 0;
      for (let i = 0; i < ids.length && bytes < PAGE_BYTES; i += FETCH_AT_ONCE) {
        const some = ids.slice(i, i + FETCH_AT_ONCE);
        const found = new Map(
          byIds(on)
            .all({ ids: JSON.stringify(some) })
            .map((row) => [row.id, row]),
        );
        for (const row of some.map((id) => found.get(id))) {
          if (!row) continue;
          bytes += Buffer.byteLength(row.body) + (row.payload?.length ?? 0) + (row.meta?.length ?? 0);
          if (rows.length > 0 && bytes > PAGE_BYTES) return rows;
          rows.push(row);
        }
      }
      return rows;
    },

    /** The entries up to a place, newest first, some of them. */
    before: (on: ReadTx, upTo: number, limit: number): MessageRow[] => before(on).all({ upTo, limit }),
    /** The part of entries that is searched, oldest first, with the beginning of each body. */
    textsAfter: (on: ReadTx, after: number, limit: number, characters: number): IndexedText[] =>
      textsAfter(on).all({ after, limit, characters }),
    /** Entries sent to one agent in (after, upTo], oldest first, with the columns that notices to senders need. */
    sentTo: async (on: ReadTx, target: string, { after, upTo }: Span, limit: number) => {
      const ids = byTarget.inRanges(on, [{ target, after, upTo }], limit, "oldest").map(({ id }) => id);
      return sentTo(on).all({ ids: JSON.stringify(ids) });
    },

    /** When each agent first replied to a message, among the newest 500 entries of its thread. */
    async repliesTo(on: ReadTx, { id, threadId }: Pick<MessageRow, "id" | "threadId">): Promise<Map<string, number>> {
      const { fromId, replyTo, createdAt } = messages;
      const some = on.db
        .select({ fromId, replyTo, createdAt })
        .from(messages)
        .where(and(eq(messages.threadId, threadId ?? id), gt(messages.id, id)))
        .orderBy(desc(messages.id))
        .limit(MAX_REPLIES)
        .all();
      return new Map(some.filter((reply) => reply.replyTo === id).map((reply) => [reply.fromId, reply.createdAt]));
    },

    /** Id up to which retention has deleted: entries up to there may be gone. */
    floor: async (on: ReadTx): Promise<number> => mark(on).get({ name: "floor" })?.position ?? 0,
    mark: async (on: ReadTx, name: "floor" | "indexed"): Promise<number> => mark(on).get({ name })?.position ?? 0,
    setMark: async (tx: Tx, name: "floor" | "indexed", position: number): Promise<void> => {
      setMark(tx).run({ name, position });
    },

    markRead: async (tx: Tx, mark: typeof reads.$inferInsert): Promise<void> => {
      tx.db.insert(reads).values(mark).onConflictDoNothing().run();
    },
    /** Person that wrote a message. */
    personOf: (on: ReadTx, id: number): string | null => personOf(on).get({ id })?.person ?? null,
    readAt: async (on: ReadTx, messageId: number, agentId: string): Promise<number | undefined> =>
      readAt(on).get({ messageId, agentId })?.at,
    readsOf: async (on: ReadTx, messageId: number) => readsOf(on).all({ messageId }),
  };
}
