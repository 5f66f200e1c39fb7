import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
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

/** How many bindings one conversation (or one channel's default) may have. */
export const MAX_BINDINGS = 100;
const MAX_NAMES = 1000;
const MAX_VISITED = 20_000;

/** Channels and their bindings. */
export function createChannelStore(db: Db) {
  const byId = db.statement((q) =>
    q
      .select()
      .from(channels)
      .where(eq(channels.id, bound("id")))
      .prepare(),
  );
  // Without a conversation a binding has no thread either, so these are the three places at most.
  const matching = db.statement((q) =>
    q
      .select(everyBindingColumn)
      .from(bindingsByPlace)
      .where(
        and(
          eq(bindings.channelId, bound("channelId")),
          sql`${bindings.conversationId} in ('', ${bound("conversationId")})`,
          sql`${bindings.threadId} in ('', ${bound("threadId")})`,
        ),
      )
      .prepare(),
  );

  return {
    byId: async (on: Reading, id: string): Promise<ChannelRow | undefined> => byId(on).get({ id }),
    put: async (tx: Tx, row: ChannelRow): Promise<void> => {
      tx.db.insert(channels).values(row).onConflictDoUpdate({ target: channels.id, set: row }).run();
    },
    /** Removes the channel with its bindings. */
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(bindings).where(eq(bindings.channelId, id)).run();
      tx.db.delete(channels).where(eq(channels.id, id)).run();
    },
    /** Bindings that name a deleted agent send nothing to it any more, whatever becomes of it. */
    endBindingsTo: async (tx: Tx, agentId: string, now: number): Promise<void> => {
      tx.db.update(bindings).set({ endedAt: now }).where(eq(bindings.target, agentId)).run();
      tx.db.update(bindings).set({ fallback: null }).where(eq(bindings.fallback, agentId)).run();
    },
    /** Ready ones first, then by name; those after a given one. */
    page: async (on: Reading, after: ChannelRow | undefined, limit: number): Promise<ChannelRow[]> =>
      on.db
        .select()
        .from(channels)
        .where(after && isAfter(after))
        .orderBy(sql`ready desc`, asc(channels.nameKey), asc(channels.id))
        .limit(limit)
        .all(),
    /** The ids of those that go by a name, oldest first. */
    named: async (on: Reading, nameKey: string, limit: number): Promise<string[]> =>
      on.db
        .select({ id: channels.id })
        .from(channels)
        .where(eq(channels.nameKey, nameKey))
        .orderBy(asc(channels.createdAt), asc(channels.id))
        .limit(limit)
        .all()
        .map((row) => row.id),
    names: async (on: Reading): Promise<string[]> =>
      on.db
        .select({ name: channels.name })
        .from(channels)
        .limit(MAX_NAMES)
        .all()
        .map((row) => row.name),
    /** The one an operator chose. */
    chosen: async (on: Reading): Promise<string | undefined> =>
      on.db.select({ id: channels.id }).from(channels).where(sql`is_default = 1`).get()?.id,
    oldest: async (on: Reading): Promise<string | undefined> =>
      on.db.select({ id: channels.id }).from(channels).orderBy(asc(channels.createdAt), asc(channels.id)).limit(1).get()
        ?.id,
    /** This one, or none, is the default from now on. */
    choose: async (tx: Tx, id: string | undefined): Promise<void> => {
      tx.db.update(channels).set({ isDefault: false }).where(sql`is_default = 1`).run();
      if (id !== undefined) tx.db.update(channels).set({ isDefault: true }).where(eq(channels.id, id)).run();
    },
    noteDefaultsSet: async (tx: Tx, id: string): Promise<void> => {
      tx.db.update(channels).set({ defaultsSet: true }).where(eq(channels.id, id)).run();
    },

    binding: async (on: Reading, id: string): Promise<BindingRow | undefined> =>
      on.db.select().from(bindings).where(eq(bindings.id, id)).get(),
    /** Bindings of exactly this place. */
    bindingsAt: async (on: Reading, place: Place): Promise<BindingRow[]> =>
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
    /** All that could decide about a place: of its thread, its conversation, and the channel. */
    matching: async (on: Reading, place: Place): Promise<BindingRow[]> => matching(on).all({ ...place }),
    putBinding: async (tx: Tx, row: BindingRow): Promise<void> => {
      tx.db.insert(bindings).values(row).onConflictDoUpdate({ target: bindings.id, set: row }).run();
    },
    removeBinding: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(bindings).where(eq(bindings.id, id)).run();
    },
    /** Bindings among the next 20,000, by id; `reached` is the last one visited, null at the end. */
    bindingPage: async (on: Reading, filter: BindingFilter, after: string | undefined, limit: number) => {
      const next = on.db
        .select()
        .from(bindings)
        .where(after === undefined ? undefined : gt(bindings.id, after))
        .orderBy(asc(bindings.id));
      const some = next.limit(MAX_VISITED).as("some");
      const rows: BindingRow[] = on.db
        .select()
        .from(some)
        .where(and(...conditions(filter)))
        .orderBy(asc(some.id))
        .limit(limit)
        .all();
      if (rows.length === limit) return { rows, reached: rows.at(-1)?.id ?? null };
      const last = on.db
        .select({ id: bindings.id })
        .from(bindings)
        .where(after === undefined ? undefined : gt(bindings.id, after))
        .orderBy(asc(bindings.id))
        .limit(1)
        .offset(MAX_VISITED - 1)
        .get();
      return { rows, reached: last?.id ?? null };
    },
    isEmpty: async (on: Reading): Promise<boolean> =>
      on.db.select({ one: sql`1` }).from(channels).limit(fixedLimit(1)).get() === undefined,
  };
}

/** Named, because with the statistics of a small table the planner prefers walking it, and stays with that as it grows. */
const bindingsByPlace = sql`${bindings} indexed by channel_bindings_by_place`;

// drizzle takes a table with a hint for an unknown one, and refuses its columns but as text.
const everyBindingColumn = {
  id: sql<string>`${bindings.id}`,
  channelId: sql<string>`${bindings.channelId}`,
  conversationId: sql<string>`${bindings.conversationId}`,
  threadId: sql<string>`${bindings.threadId}`,
  target: sql<string>`${bindings.target}`,
  mode: sql<BindingRow["mode"]>`${bindings.mode}`,
  priority: sql<number>`${bindings.priority}`,
  fallback: sql<string | null>`${bindings.fallback}`,
  origin: sql<BindingRow["origin"]>`${bindings.origin}`,
  createdAt: sql<number>`${bindings.createdAt}`,
  updatedAt: sql<number>`${bindings.updatedAt}`,
  endedAt: sql<number | null>`${bindings.endedAt}`,
};

/** A conversation as rows have it: "" where there is none. */
export interface Place {
  channelId: string;
  conversationId: string;
  threadId: string;
}

const isAfter = (row: ChannelRow): SQL =>
  sql`(${channels.ready} < ${Number(row.ready)} or (${channels.ready} = ${Number(row.ready)} and
    (${channels.nameKey}, ${channels.id}) > (${row.nameKey}, ${row.id})))`;

/** Of the rows called `some`. */
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

export const placeOf = (
  channelId: string,
  named: { conversationId?: string | null; threadId?: string | null },
): Place => ({
  channelId,
  conversationId: named.conversationId ?? "",
  threadId: named.threadId ?? "",
});
