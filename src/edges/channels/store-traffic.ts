import { and, asc, desc, eq, gt, inArray, lt, lte, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows, readValues, visitedPage } from "../../kernel/db/reads.ts";
import { columnsWhere, equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { Place } from "./place.ts";
import { channelEvents, parts, posts } from "./tables.ts";

export type EventRow = typeof channelEvents.$inferSelect;
export type PostRow = typeof posts.$inferSelect;
export type PartRow = typeof parts.$inferSelect;

/** Most parts stored of one message. */
export const MAX_PARTS = 1000;

const partsByExternalId = sql`${parts} indexed by channel_parts_by_external_id`;

/** Posts of one place. */
const inPlace = equal(posts, "channelId", "conversationId", "threadId");

/** Names the index: with the statistics of a small table the planner would scan, and keep scanning as the table grows. */
const postsInOrder = sql`${posts} indexed by channel_posts_in_order`;

const event = rowsWhere(channelEvents, equal(channelEvents, "channelId", "externalId"));
const posted = columnsWhere(
  { messageId: sql<number>`${parts.messageId}`, at: sql<number>`${parts.at}` },
  partsByExternalId,
  and(equal(parts, "channelId", "externalId"), sql`external_id is not null`),
  { limit: 1 },
);
const post = rowsWhere(posts, eq(posts.messageId, bound("id")));
const head = columnsWhere({ messageId: posts.messageId }, posts, and(inPlace, sql`ended = 0`), {
  orderBy: asc(posts.messageId),
  limit: 1,
});
const newestPost = columnsWhere({ messageId: sql<number>`${posts.messageId}` }, postsInOrder, inPlace, {
  orderBy: desc(posts.messageId),
  limit: 1,
});

/** Events and posts, by the platform's ids. */
export function createTrafficStore() {
  return {
    event: async (on: ReadTx, channelId: AgentId, externalId: string): Promise<EventRow | undefined> =>
      event(on).get({ channelId, externalId }),
    putEvent: async (tx: Tx, row: EventRow): Promise<void> => {
      tx.db
        .insert(channelEvents)
        .values(row)
        .onConflictDoUpdate({ target: [channelEvents.channelId, channelEvents.externalId], set: row })
        .run();
    },
    /** Events among the next 20,000 of the channel, newest first; `reached` is the last place visited, null at the end. */
    eventPage: async (on: ReadTx, filter: EventFilter & WithNames, before: number | undefined, limit: number) => {
      const next = and(
        eq(channelEvents.channelId, filter.channelId),
        filter.unbound ? sql`unbound = 1` : undefined,
        filter.strangers ? sql`stranger = 1` : undefined,
        before === undefined ? undefined : lt(channelEvents.lastMessageId, before),
      );
      const fits = ({ conversationId }: typeof channelEvents._.columns) =>
        filter.names.length === 0 ? undefined : inArray(conversationId, [...filter.names]);
      return visitedPage(on, channelEvents, "lastMessageId", { next, newestFirst: true, fits, limit });
    },
    /** Events that wait for a binding, or those of strangers, of one place or of all, oldest first. */
    kept: async (on: ReadTx, place: Place & WithNames & Kept, after: number, limit: number): Promise<EventRow[]> =>
      readRows(
        on,
        channelEvents,
        and(
          eq(channelEvents.channelId, place.channelId),
          place.why === "unbound" ? sql`unbound = 1` : sql`stranger = 1`,
          gt(channelEvents.lastMessageId, after),
          place.names.length === 0 ? undefined : inArray(channelEvents.conversationId, [...place.names]),
          place.threadId === "" ? undefined : eq(channelEvents.threadId, place.threadId),
        ),
        { orderBy: asc(channelEvents.lastMessageId), limit },
      ),

    /** The message that was posted under this id. */
    posted: async (on: ReadTx, channelId: AgentId, externalId: string) => posted(on).get({ channelId, externalId }),

    addPost: async (tx: Tx, row: PostRow): Promise<void> => {
      tx.db.insert(posts).values(row).run();
    },
    post: async (on: ReadTx, id: number): Promise<PostRow | undefined> => post(on).get({ id }),
    /** The oldest message of a conversation that has not ended. */
    head: async (on: ReadTx, { channelId, conversationId, threadId }: Place): Promise<number | undefined> =>
      head(on).get({ channelId, conversationId, threadId })?.messageId,
    /** The newest post of a conversation, ended or not. */
    newestPost: (on: ReadTx, { channelId, conversationId, threadId }: Place): number | undefined =>
      newestPost(on).get({ channelId, conversationId, threadId })?.messageId,
    /** Messages of a conversation's events after a message id, newest first, among the channel's newest `limit`; none of strangers. */
    cameAfter(on: ReadTx, place: Place, after: number, limit: number): number[] {
      const next = and(eq(channelEvents.channelId, place.channelId), gt(channelEvents.lastMessageId, after));
      const { conversationId, threadId, lastMessageId: id, stranger } = channelEvents;
      const newest = on.db
        .select({ id, conversationId, threadId, stranger })
        .from(channelEvents)
        .where(next)
        .orderBy(desc(id));
      return newest
        .limit(limit)
        .all()
        .filter(
          (row) => row.conversationId === place.conversationId && row.threadId === place.threadId && !row.stranger,
        )
        .map((row) => row.id);
    },
    setEnded: async (tx: Tx, id: number, ended: boolean): Promise<void> => {
      tx.db.update(posts).set({ ended }).where(eq(posts.messageId, id)).run();
    },
    parts: async (on: ReadTx, messageId: number): Promise<PartRow[]> =>
      on.db.select().from(parts).where(eq(parts.messageId, messageId)).orderBy(asc(parts.part)).limit(MAX_PARTS).all(),
    /** Stores a part. A part that begins anew keeps its external id and its mark. */
    putPart: async (tx: Tx, row: PartRow): Promise<void> => {
      tx.db
        .insert(parts)
        .values(row)
        .onConflictDoUpdate({
          target: [parts.messageId, parts.part],
          set: {
            externalId: sql`coalesce(excluded.external_id, ${parts.externalId})`,
            mark: sql`coalesce(excluded.mark, ${parts.mark})`,
            at: row.at,
          },
        })
        .run();
    },
    /** Deletes parts that were begun and surely not posted. */
    dropBegun: async (tx: Tx, messageId: number): Promise<void> => {
      tx.db
        .delete(parts)
        .where(and(eq(parts.messageId, messageId), sql`external_id is null`))
        .run();
    },

    /** Deletes some rows of messages that retention has passed. @returns how many */
    forget: async (tx: Tx, floor: number, limit: number): Promise<number> => {
      const events = deleteSome(tx, channelEvents, lte(channelEvents.lastMessageId, floor), limit);
      const gone = readValues(
        tx,
        posts.messageId,
        and(
          lte(posts.messageId, floor),
          eq(posts.ended, true),
          sql`not exists (select 1 from messages m where m.id = ${posts.messageId})`,
        ),
        { orderBy: asc(posts.messageId), limit },
      );
      tx.db.delete(parts).where(inArray(parts.messageId, gone)).run();
      tx.db.delete(posts).where(inArray(posts.messageId, gone)).run();
      return Math.max(events, gone.length);
    },
  };
}

/** Reason for which events went to no agent. */
interface Kept {
  why: "unbound" | "stranger";
}

/** Current and former ids of a conversation; none stands for all conversations. */
interface WithNames {
  names: readonly string[];
}

export interface EventFilter {
  channelId: string;
  conversationId?: string | undefined;
  unbound: boolean;
  strangers: boolean;
}
