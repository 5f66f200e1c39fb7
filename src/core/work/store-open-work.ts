import { type SQL, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { columnsWhere, rowsWhere } from "../../kernel/db/statements.ts";
import { MESSAGE_KINDS } from "../../protocol/limits.ts";
import type { MessageKind } from "../../protocol/messages.ts";
import { createFirstOpen } from "./first-open.ts";
import type { WorkRow } from "./row.ts";
import { work } from "./tables.ts";

/** Filters of a claim. */
export interface Wanted {
  kinds?: readonly MessageKind[] | undefined;
  topics?: readonly string[] | undefined;
}

const p = sql.placeholder;
/** Topics searched when only kinds are requested: the rest have their turn when these are done. */
const TOPICS_PER_KIND = 200;

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

const first = (id: SQL) => rowsWhere(work, sql`${work.messageId} = (${id})`);
const openBest = first(bestOpen());
const openByTopic = first(bestOpenByTopic());
const openByKind = first(bestOpenByKind());
const openFor = columnsWhere(
  { id: work.messageId, urgent: work.urgent },
  work,
  sql`target = ${bound("target")} and state = 'open'`,
  {
    orderBy: sql`urgent desc, message_id`,
    limit: "limit",
  },
);
/** One walk for each urgency: the index has them apart. */
const openAfter = (urgent: 0 | 1) =>
  columnsWhere(
    { id: work.messageId },
    work,
    sql`target = ${bound("target")} and state = 'open' and urgent = ${sql.raw(String(urgent))} and message_id > ${bound("after")}`,
    { orderBy: sql`message_id`, limit: "limit" },
  );
const openWalks = [openAfter(0), openAfter(1)];

/** Finding the open work that comes first. */
export function createOpenWorkStore(db: Db, byId: (tx: Tx, id: number) => WorkRow | undefined) {
  const firstOpen = createFirstOpen(db, (on, target, limit) => openFor(on).all({ target, limit }));

  function bestOfAll(on: ReadTx, names: readonly string[]): WorkRow | undefined {
    if ("writes" in on) {
      const id = firstOpen.first(on as Tx, names);
      const row = id === undefined ? undefined : byId(on as Tx, id);
      if (id === undefined || row?.state === "open") return row;
      // Never seen: the claim would look at the same work again without end.
      firstOpen.forget();
    }
    return openBest(on).get({ targets: JSON.stringify(names) });
  }

  return {
    firstOpen,
    /** The open work for any of these targets that comes first: urgent, then oldest. */
    bestOpen: async (on: ReadTx, names: readonly string[], wanted: Wanted = {}): Promise<WorkRow | undefined> => {
      if (!wanted.topics && !wanted.kinds) return bestOfAll(on, names);
      const targets = JSON.stringify(names);
      const kinds = JSON.stringify(wanted.kinds ?? MESSAGE_KINDS);
      if (!wanted.topics) return openByKind(on).get({ targets, kinds });
      return openByTopic(on).get({ targets, kinds, topics: JSON.stringify(wanted.topics) });
    },
    /** The first open work of one target: urgent, then oldest. */
    openFor: async (on: ReadTx, target: string, limit: number): Promise<number[]> =>
      openFor(on)
        .all({ target, limit })
        .map((row) => row.id),
    /** Open work of one target after a message, oldest first. */
    openAfter: async (on: ReadTx, target: string, after: number, limit: number): Promise<number[]> =>
      openWalks
        .flatMap((walk) => walk(on).all({ target, after, limit }))
        .map((row) => row.id)
        .toSorted((a, b) => a - b)
        .slice(0, limit),
  };
}
