import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows, readValues, visitedPage } from "../../kernel/db/reads.ts";
import { columnsWhere, equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { Place } from "./place.ts";
import { bindings, channels } from "./tables.ts";

export type ChannelRow = typeof channels.$inferSelect;
export type BindingRow = typeof bindings.$inferSelect;

export interface BindingFilter {
  channelId?: string | undefined;
  conversationId?: string | undefined;
  target?: string | undefined;
  /** Only bindings that send to one of these targets or belong to this channel. */
  seenBy?: { targets: readonly string[]; channelId: string } | undefined;
}

/** Most bindings of one conversation, or of one channel's default. */
export const MAX_BINDINGS = 100;
const MAX_NAMES = 1000;

// drizzle takes a table with a hint for an unknown table, and accepts its columns as text alone.
const everyBindingColumn = {
  id: sql<string>`${bindings.id}`,
  channelId: sql<string>`${bindings.channelId}`,
  conversationId: sql<string>`${bindings.conversationId}`,
  threadId: sql<string>`${bindings.threadId}`,
  target: sql<string>`${bindings.target}`,
  mode: sql<BindingRow["mode"]>`${bindings.mode}`,
  priority: sql<number>`${bindings.priority}`,
  fallback: sql<string | null>`${bindings.fallback}`,
  topics: sql<BindingRow["topics"]>`${bindings.topics}`,
  also: sql<string[]>`${bindings.also}`.mapWith((json: string) => JSON.parse(json)),
  origin: sql<BindingRow["origin"]>`${bindings.origin}`,
  createdAt: sql<number>`${bindings.createdAt}`,
  updatedAt: sql<number>`${bindings.updatedAt}`,
  endedAt: sql<number | null>`${bindings.endedAt}`,
};

/** Names the index: with the statistics of a small table the planner would scan, and keep scanning as the table grows. */
const bindingsByPlace = sql`${bindings} indexed by channel_bindings_by_place`;

const byId = rowsWhere(channels, equal(channels, "id"));
// Without a conversation a binding has no thread either, so these are the three places at most.
const matching = columnsWhere(
  everyBindingColumn,
  bindingsByPlace,
  and(
    equal(bindings, "channelId"),
    sql`${bindings.conversationId} in ('', ${bound("conversationId")})`,
    sql`${bindings.threadId} in ('', ${bound("threadId")})`,
  ),
);

/** Channels and their bindings. */
export function createChannelStore() {
  const byAge = (on: ReadTx, where: SQL | undefined, limit: number) =>
    readValues(on, channels.id, where, { orderBy: [asc(channels.createdAt), asc(channels.id)], limit });

  return {
    byId: async (on: ReadTx, id: string): Promise<ChannelRow | undefined> => byId(on).get({ id }),
    put: async (tx: Tx, row: ChannelRow): Promise<void> => {
      tx.db.insert(channels).values(row).onConflictDoUpdate({ target: channels.id, set: row }).run();
    },
    /** Removes the channel with its bindings. */
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(bindings).where(eq(bindings.channelId, id)).run();
      tx.db.delete(channels).where(eq(channels.id, id)).run();
    },
    /** Ends bindings to a deleted agent, for good. */
    endBindingsTo: async (tx: Tx, agentId: string, now: number): Promise<void> => {
      tx.db.update(bindings).set({ endedAt: now }).where(eq(bindings.target, agentId)).run();
      tx.db.update(bindings).set({ fallback: null }).where(eq(bindings.fallback, agentId)).run();
    },
    /** Channels after a given one: ready ones first, then by name. */
    page: async (on: ReadTx, after: ChannelRow | undefined, limit: number): Promise<ChannelRow[]> =>
      readRows(on, channels, after && isAfter(after), {
        orderBy: [sql`ready desc`, asc(channels.nameKey), asc(channels.id)],
        limit,
      }),
    notReady: async (on: ReadTx, limit: number): Promise<string[]> =>
      readValues(on, channels.id, sql`ready = 0`, { limit }),
    /** Ids of the channels of a name, oldest first. */
    named: async (on: ReadTx, nameKey: string, limit: number): Promise<string[]> =>
      byAge(on, eq(channels.nameKey, nameKey), limit),
    names: async (on: ReadTx): Promise<string[]> => readValues(on, channels.name, undefined, { limit: MAX_NAMES }),
    /** Channel that an operator chose as default. */
    chosen: async (on: ReadTx): Promise<string | undefined> =>
      on.db.select({ id: channels.id }).from(channels).where(sql`is_default = 1`).get()?.id,
    oldest: async (on: ReadTx): Promise<string | undefined> => byAge(on, undefined, 1)[0],
    /** Makes this channel the default, or none. */
    choose: async (tx: Tx, id: string | undefined): Promise<void> => {
      tx.db.update(channels).set({ isDefault: false }).where(sql`is_default = 1`).run();
      if (id !== undefined) tx.db.update(channels).set({ isDefault: true }).where(eq(channels.id, id)).run();
    },
    setAccess: async (tx: Tx, id: string, access: ChannelRow["access"]): Promise<void> => {
      tx.db.update(channels).set({ access }).where(eq(channels.id, id)).run();
    },
    noteDefaultsSet: async (tx: Tx, id: string): Promise<void> => {
      tx.db.update(channels).set({ defaultsSet: true }).where(eq(channels.id, id)).run();
    },

    binding: async (on: ReadTx, id: string): Promise<BindingRow | undefined> =>
      on.db.select().from(bindings).where(eq(bindings.id, id)).get(),
    /** Bindings of exactly this place. */
    bindingsAt: async (on: ReadTx, place: Place): Promise<BindingRow[]> =>
      on.db
        .select(everyBindingColumn)
        .from(bindingsByPlace)
        .where(
          and(
            eq(bindings.channelId, place.channelId),
            eq(bindings.conversationId, place.conversationId),
            eq(bindings.threadId, place.threadId),
          ),
        )
        .limit(MAX_BINDINGS)
        .all(),
    /** Bindings that match a place: of its thread, its conversation, and the channel. */
    matching: async (on: ReadTx, place: Place): Promise<BindingRow[]> => matching(on).all({ ...place }),
    putBinding: async (tx: Tx, row: BindingRow): Promise<void> => {
      tx.db.insert(bindings).values(row).onConflictDoUpdate({ target: bindings.id, set: row }).run();
    },
    removeBinding: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(bindings).where(eq(bindings.id, id)).run();
    },
    /** Bindings among the next 20,000, by id; `reached` is the last one visited, null at the end. */
    bindingPage: async (on: ReadTx, filter: BindingFilter, after: string | undefined, limit: number) => {
      const next = after === undefined ? undefined : gt(bindings.id, after);
      const fits = () => and(...conditions(filter));
      return visitedPage(on, bindings, "id", { next, newestFirst: false, fits, limit });
    },
    isEmpty: async (on: ReadTx): Promise<boolean> =>
      on.db.select({ one: sql`1` }).from(channels).limit(fixedLimit(1)).get() === undefined,
  };
}

const isAfter = (row: ChannelRow): SQL =>
  sql`(${channels.ready} < ${Number(row.ready)} or (${channels.ready} = ${Number(row.ready)} and
    (${channels.nameKey}, ${channels.id}) > (${row.nameKey}, ${row.id})))`;

/** Conditions on the rows called `some`. */
function conditions(filter: BindingFilter): SQL[] {
  const where: SQL[] = [];
  if (filter.channelId !== undefined) where.push(sql`channel_id = ${filter.channelId}`);
  if (filter.conversationId !== undefined) where.push(sql`conversation_id = ${filter.conversationId}`);
  if (filter.target !== undefined) where.push(sql`target = ${filter.target}`);
  if (filter.seenBy) {
    const { targets, channelId } = filter.seenBy;
    where.push(sql`(channel_id = ${channelId} or target in (select value from json_each(${JSON.stringify(targets)})))`);
  }
  return where;
}

/** Order of precedence. */
export const byRank = (a: BindingRow, b: BindingRow): number =>
  levelOf(a) - levelOf(b) || b.priority - a.priority || b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1);

/** 0: of a thread, 1: of a conversation, 2: for all. */
export const levelOf = (row: Pick<BindingRow, "conversationId" | "threadId">): 0 | 1 | 2 =>
  row.threadId !== "" ? 0 : row.conversationId !== "" ? 1 : 2;
