import { and, asc, desc, eq, isNotNull, lte, sql } from "drizzle-orm";
import { bound, boundLimit, fixedLimit } from "../db/bound.ts";
import type { Db, Reading, Tx } from "../db/database.ts";
import { inList } from "../db/lists.ts";
import type { MessageKind, WorkState } from "./schema.ts";
import { attempts, work } from "./tables.ts";

export type WorkRow = typeof work.$inferSelect;
export type AttemptRow = typeof attempts.$inferSelect;

export type WorkStore = ReturnType<typeof createWorkStore>;

const p = sql.placeholder;
/** How many topics are looked through when only kinds are asked for: the rest have their turn when these are done. */
const TOPICS_PER_KIND = 200;
const MAX_VISITED = 20_000;

/** The state of work and its leases. Every statement here is held to its index by a test. */
export function createWorkStore(db: Db) {
  const insert = db.statement((q) => q.insert(work).values(everyColumn()).prepare());
  const byId = db.statement((q) =>
    q
      .select()
      .from(work)
      .where(eq(work.messageId, bound("id")))
      .prepare(),
  );
  const byIds = db.statement((q) => q.select().from(work).where(inList(work.messageId, "ids")).prepare());
  const claim = db.statement((q) =>
    q
      .update(work)
      .set({
        state: "claimed",
        holder: sql`${p("holder")}`,
        claimedAt: sql`${p("now")}`,
        dueAt: sql`${p("dueAt")}`,
        leaseSeconds: sql`${p("leaseSeconds")}`,
        fence: sql`${work.fence} + 1`,
      })
      .where(eq(work.messageId, bound("id")))
      .prepare(),
  );
  const end = db.statement((q) =>
    q
      .update(work)
      .set({
        state: sql`${p("state")}`,
        dueAt: sql`${p("dueAt")}`,
        attempts: sql`${p("attempts")}`,
        error: sql`${p("error")}`,
        endedAt: sql`${p("endedAt")}`,
        endedUpTo: sql`${p("endedUpTo")}`,
        holder: null,
        claimedAt: null,
      })
      .where(eq(work.messageId, bound("id")))
      .prepare(),
  );
  const addAttempt = db.statement((q) =>
    q
      .insert(attempts)
      .values({
        messageId: p("messageId"),
        fence: p("fence"),
        agentId: p("agentId"),
        attempt: p("attempt"),
        claimedAt: p("claimedAt"),
      })
      .prepare(),
  );
  const endAttempt = db.statement((q) =>
    q
      .update(attempts)
      .set({
        endedAt: sql`${p("at")}`,
        outcome: sql`${p("outcome")}`,
        error: sql`${p("error")}`,
        resultId: sql`${p("resultId")}`,
      })
      .where(and(eq(attempts.messageId, bound("messageId")), eq(attempts.fence, bound("fence"))))
      .prepare(),
  );
  const attemptOf = db.statement((q) =>
    q
      .select()
      .from(attempts)
      .where(and(eq(attempts.messageId, bound("messageId")), eq(attempts.fence, bound("fence"))))
      .prepare(),
  );
  const worked = db.statement((q) =>
    q
      .select({ one: sql`1` })
      .from(attempts)
      .where(and(eq(attempts.messageId, bound("messageId")), eq(attempts.agentId, bound("agentId"))))
      .limit(fixedLimit(1))
      .prepare(),
  );
  const workedAmong = db.statement((q) =>
    q
      .select({ id: attempts.messageId })
      .from(attempts)
      .where(and(inList(attempts.messageId, "ids"), eq(attempts.agentId, bound("agentId"))))
      .prepare(),
  );
  const newestHeld = db.statement((q) =>
    q
      .select({ id: work.messageId })
      .from(work)
      .where(and(eq(work.holder, bound("holder")), eq(work.state, sql`'claimed'`)))
      .orderBy(desc(work.messageId))
      .limit(fixedLimit(1))
      .prepare(),
  );
  const openBest = db.statement((q) => q.select({ id: sql<number>`id` }).from(sql`(${bestOpen()})`).prepare());
  const openByTopic = db.statement((q) =>
    q.select({ id: sql<number>`id` }).from(sql`(${bestOpenByTopic()})`).prepare(),
  );
  const openByKind = db.statement((q) => q.select({ id: sql<number>`id` }).from(sql`(${bestOpenByKind()})`).prepare());
  const openFor = db.statement((q) =>
    q
      .select({ id: work.messageId })
      .from(work)
      .where(sql`target = ${bound("target")} and state = 'open'`)
      .orderBy(sql`urgent desc, message_id`)
      .limit(boundLimit("limit"))
      .prepare(),
  );
  const earliest = db.statement((q) =>
    q
      .select({ at: work.dueAt })
      .from(work)
      .where(isNotNull(work.dueAt))
      .orderBy(asc(work.dueAt))
      .limit(fixedLimit(1))
      .prepare(),
  );
  const ripe = db.statement((q) =>
    q
      .select()
      .from(work)
      .where(and(isNotNull(work.dueAt), lte(work.dueAt, bound("now"))))
      .orderBy(asc(work.dueAt))
      .limit(boundLimit("limit"))
      .prepare(),
  );

  return {
    add: async (tx: Tx, row: WorkRow): Promise<void> => {
      insert(tx).run(row);
    },
    byId: async (on: Reading, id: number): Promise<WorkRow | undefined> => byId(on).get({ id }),
    /** By message id, for those that are claimable. */
    byIds: async (on: Reading, ids: readonly number[]): Promise<Map<number, WorkRow>> =>
      new Map(
        ids.length
          ? byIds(on)
              .all({ ids: JSON.stringify(ids) })
              .map((row) => [row.messageId, row])
          : [],
      ),

    /** The open work for any of these targets that comes first: urgent, then oldest. */
    bestOpen: async (on: Reading, targets: readonly string[], wanted: Wanted = {}): Promise<number | undefined> => {
      const among = { targets: JSON.stringify(targets), kinds: JSON.stringify(wanted.kinds ?? KINDS) };
      if (wanted.topics) return openByTopic(on).get({ ...among, topics: JSON.stringify(wanted.topics) })?.id;
      return (wanted.kinds ? openByKind(on).get(among) : openBest(on).get({ targets: among.targets }))?.id;
    },

    claim: async (tx: Tx, id: number, holder: string, now: number, leaseSeconds: number): Promise<void> => {
      claim(tx).run({ id, holder, now, leaseSeconds, dueAt: now + leaseSeconds * 1000 });
    },
    /** Ends a lease (or an open state): the new state, and when something happens next by itself. */
    move: async (tx: Tx, row: WorkRow, to: WorkMove): Promise<void> => {
      const { state, dueAt = null, attempts: used = row.attempts, error = row.error } = to;
      const { endedAt = null, endedUpTo = null } = to;
      end(tx).run({ id: row.messageId, state, dueAt, attempts: used, error, endedAt, endedUpTo });
    },
    renew: async (tx: Tx, id: number, dueAt: number, leaseSeconds: number): Promise<void> => {
      tx.db.update(work).set({ dueAt, leaseSeconds }).where(eq(work.messageId, id)).run();
    },
    addAttempt: async (tx: Tx, row: Pick<AttemptRow, "messageId" | "fence" | "agentId" | "attempt" | "claimedAt">) => {
      addAttempt(tx).run(row);
    },
    endAttempt: async (tx: Tx, messageId: number, fence: number, end: AttemptEnd): Promise<void> => {
      endAttempt(tx).run({ messageId, fence, error: null, resultId: null, ...end });
    },
    renewAttempt: async (tx: Tx, messageId: number, fence: number, at: number): Promise<void> => {
      tx.db
        .update(attempts)
        .set({ renewedAt: at })
        .where(and(eq(attempts.messageId, messageId), eq(attempts.fence, fence)))
        .run();
    },
    attempt: async (on: Reading, messageId: number, fence: number): Promise<AttemptRow | undefined> =>
      attemptOf(on).get({ messageId, fence }),
    attemptsOf: async (on: Reading, messageId: number, limit: number): Promise<AttemptRow[]> =>
      on.db
        .select()
        .from(attempts)
        .where(eq(attempts.messageId, messageId))
        .orderBy(desc(attempts.fence))
        .limit(limit)
        .all()
        .reverse(),

    /** Whether the agent ever held a lease of it. */
    workedOn: async (on: Reading, agentId: string, messageId: number): Promise<boolean> =>
      worked(on).get({ messageId, agentId }) !== undefined,
    /** The messages among these that the agent ever held a lease of. */
    workedAmong: async (on: Reading, agentId: string, ids: readonly number[]): Promise<Set<number>> =>
      new Set(
        workedAmong(on)
          .all({ ids: JSON.stringify(ids), agentId })
          .map((row) => row.id),
      ),
    newestHeld: async (on: Reading, holder: string): Promise<number | undefined> => newestHeld(on).get({ holder })?.id,
    heldBy: async (on: Reading, holder: string, limit: number): Promise<WorkRow[]> =>
      on.db
        .select()
        .from(work)
        .where(and(eq(work.holder, holder), eq(work.state, "claimed")))
        .orderBy(asc(work.messageId))
        .limit(limit)
        .all(),
    /** Live leases, by message, beyond one of them. */
    liveLeases: async (on: Reading, holder: string, now: number, after: number, limit: number): Promise<WorkRow[]> =>
      on.db
        .select()
        .from(work)
        .where(
          and(
            eq(work.holder, holder),
            eq(work.state, "claimed"),
            // The signs keep the planner to the index by holder.
            sql`+${work.dueAt} > ${now}`,
            sql`+${work.messageId} > ${after}`,
          ),
        )
        .orderBy(asc(work.messageId))
        .limit(limit)
        .all(),
    /** Work for one target that nobody holds, open or delayed, up to a place in the log. */
    waitingFor: async (on: Reading, target: string, upTo: number, limit: number): Promise<WorkRow[]> => {
      const of = (state: "open" | "delayed", room: number) =>
        room <= 0
          ? []
          : on.db
              .select()
              .from(work)
              .where(sql`target = ${target} and state = ${sql.raw(`'${state}'`)} and message_id <= ${upTo}`)
              .limit(room)
              .all();
      const open = of("open", limit);
      return [...open, ...of("delayed", limit - open.length)];
    },
    dead: async (on: Reading, before: number | undefined, limit: number): Promise<WorkRow[]> =>
      on.db
        .select()
        .from(work)
        .where(and(sql`state = 'dead'`, before === undefined ? undefined : sql`${work.messageId} < ${before}`))
        .orderBy(desc(work.messageId))
        .limit(limit)
        .all(),
    /** Work in a state, newest first, among the next 20,000 pieces of work; `reached` is where those end, null at the end. */
    inState: async (on: Reading, state: WorkState, before: number, limit: number) => {
      const some = on.db
        .select({ id: work.messageId, state: work.state })
        .from(work)
        .where(sql`${work.messageId} < ${before}`)
        .orderBy(desc(work.messageId))
        .limit(MAX_VISITED)
        .as("some");
      const ids = on.db
        .select({ id: some.id })
        .from(some)
        .where(eq(some.state, state))
        .orderBy(desc(some.id))
        .limit(limit)
        .all()
        .map((row) => row.id);
      if (ids.length === limit) return { ids, reached: ids.at(-1) ?? null };
      const last = on.db
        .select({ id: work.messageId })
        .from(work)
        .where(sql`${work.messageId} < ${before}`)
        .orderBy(desc(work.messageId))
        .limit(1)
        .offset(MAX_VISITED - 1)
        .get();
      return { ids, reached: last?.id ?? null };
    },
    /** The first open work of one target: urgent, then oldest. */
    openFor: async (on: Reading, target: string, limit: number): Promise<number[]> =>
      openFor(on)
        .all({ target, limit })
        .map((row) => row.id),

    earliest: async (on: Reading): Promise<number | null> => earliest(on).get()?.at ?? null,
    ripe: async (on: Reading, now: number, limit: number): Promise<WorkRow[]> => ripe(on).all({ now, limit }),
    /** No lease lasts longer from `now` than was asked for: after the clock was set back it would. */
    shortenLeases: async (tx: Tx, now: number): Promise<void> => {
      const whole = sql`${now} + ${work.leaseSeconds} * 1000`;
      tx.db
        .update(work)
        .set({ dueAt: whole })
        .where(and(sql`${work.dueAt} > ${now}`, sql`${work.dueAt} > ${whole}`, eq(work.state, "claimed")))
        .run();
    },
    /** Leases that would end before `until` last until then. */
    extendLeases: async (tx: Tx, until: number): Promise<void> => {
      tx.db
        .update(work)
        .set({ dueAt: until })
        .where(and(isNotNull(work.dueAt), sql`${work.dueAt} < ${until}`, eq(work.state, "claimed")))
        .run();
    },
  };
}

/** What a claimer narrows its claim to. */
export interface Wanted {
  kinds?: readonly MessageKind[] | undefined;
  topics?: readonly string[] | undefined;
}
export interface WorkMove {
  state: WorkState;
  dueAt?: number | null;
  attempts?: number;
  error?: string | null;
  endedAt?: number | null;
  endedUpTo?: number | null;
}
export interface AttemptEnd {
  at: number;
  outcome: NonNullable<AttemptRow["outcome"]>;
  error?: string | null;
  resultId?: number | null;
}

const KINDS: readonly MessageKind[] = [
  "task",
  "chat",
  "channel.event",
  "control",
  "pair",
  "request",
  "response",
  "announcement",
  "system",
];

/**
 * The first of each target by one seek, then the first of those: a plain `in` with this order would sort all that is
 * open. The index is named because after ANALYZE the planner prefers walking another one.
 */
const bestOpen = () => sql`
  select w.message_id as id from json_each(${p("targets")}) t join work w on w.message_id = (
    select message_id from work indexed by work_open where target = t.value and state = 'open'
    order by urgent desc, message_id limit 1)
  order by w.urgent desc, w.message_id limit 1`;

const bestOpenByTopic = () => sql`
  select w.message_id as id from json_each(${p("targets")}) t, json_each(${p("kinds")}) k, json_each(${p("topics")}) c
  join work w on w.message_id = (
    select message_id from work indexed by work_open_by_topic
    where target = t.value and kind = k.value and topic = c.value and state = 'open'
    order by urgent desc, message_id limit 1)
  order by w.urgent desc, w.message_id limit 1`;

/** As above, over the topics that there are: found by skipping from one to the next along the index. */
const bestOpenByKind = () => sql`
  select w.message_id as id from json_each(${p("targets")}) t, json_each(${p("kinds")}) k
  join work w on w.message_id = (
    with recursive topics(name) as (
      select (select min(topic) from work indexed by work_open_by_topic
        where target = t.value and kind = k.value and state = 'open')
      union all
      select (select min(topic) from work indexed by work_open_by_topic
        where target = t.value and kind = k.value and topic > topics.name and state = 'open')
      from topics where topics.name is not null limit ${sql.raw(String(TOPICS_PER_KIND))})
    select o.message_id from topics join work o on o.message_id = (
      select message_id from work indexed by work_open_by_topic
      where target = t.value and kind = k.value and topic = topics.name and state = 'open'
      order by urgent desc, message_id limit 1)
    order by o.urgent desc, o.message_id limit 1)
  order by w.urgent desc, w.message_id limit 1`;

function everyColumn() {
  return {
    messageId: p("messageId"),
    target: p("target"),
    kind: p("kind"),
    topic: p("topic"),
    urgent: p("urgent"),
    state: p("state"),
    dueAt: p("dueAt"),
    expiresAt: p("expiresAt"),
    maxAttempts: p("maxAttempts"),
    attempts: p("attempts"),
    fence: p("fence"),
    holder: p("holder"),
    claimedAt: p("claimedAt"),
    leaseSeconds: p("leaseSeconds"),
    error: p("error"),
    endedAt: p("endedAt"),
    endedUpTo: p("endedUpTo"),
  };
}
