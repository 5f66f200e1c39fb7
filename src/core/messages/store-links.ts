import { desc, gte, sql } from "drizzle-orm";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, ReadTx } from "../../kernel/db/database.ts";
import { columnsWhere, equal, pick } from "../../kernel/db/statements.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { Lineage } from "./row.ts";
import { lineageColumns } from "./store.ts";
import { messages } from "./tables.ts";

/** Recent mail of one target that an agent belongs to now. */
export interface TargetMail {
  target: string;
  /** Id and sender, newest first. */
  recent: [id: number, fromId: string][];
}

/** Mail read for each target. */
const MAIL = 48;
/** Entries of a group in which an agent's own post is looked for. */
const OWN = 500;
/** Entries of a thread that count. */
const THREAD = 24;
/** Entries of a thread after a question in which its answer is looked for. */
const ANSWERS = 200;
/** Mail of another agent in which a recent message to it is looked for. */
const WRITTEN = 12;

/** Queries of the loop rule: each by an index, each bounded. */
export function createLinkStore(db: Db) {
  const mail = db.statement((q) =>
    q.select({ target: sql<string>`target`, recent: sql<string>`recent` }).from(sql`(${mailOf()})`).prepare(),
  );
  const newestOwn = db.statement((q) =>
    q.select({ id: sql<number | null>`id` }).from(sql`(${newestOwnOf()})`).prepare(),
  );
  const thread = columnsWhere(db, lineageColumns, messages, equal(messages, "threadId"), {
    orderBy: desc(messages.id),
    limit: THREAD,
  });
  const hasReplied = db.statement((q) => q.select({ one: sql<number>`one` }).from(sql`(${replied()})`).prepare());
  const hasWritten = db.statement((q) => q.select({ one: sql<number>`one` }).from(sql`(${written()})`).prepare());
  const from = columnsWhere(db, pick(messages, "id", "createdAt"), messages, gte(messages.id, bound("id")), {
    orderBy: messages.id,
    limit: 1,
  });

  return {
    /** Mail after a place in the log for an agent and each of its groups. */
    mail: (on: ReadTx, agentId: string, after: number): TargetMail[] =>
      mail(on)
        .all({ agentId, after })
        .map(({ target, recent }) => ({ target, recent: JSON.parse(recent) })),
    /** An agent's newest post in a group after a place. Apart from `mail`, of which it would be more than half. */
    newestOwn: (on: ReadTx, agentId: string, group: string, after: number): number | null =>
      newestOwn(on).get({ agentId, group, after })?.id ?? null,
    /** The newest entries of a thread, newest first, its root not included. */
    thread: (on: ReadTx, threadId: number): Lineage[] => thread(on).all({ threadId }),
    /** Whether a reply to an entry follows soon after it in its thread. */
    hasReplied: (on: ReadTx, fromId: string, { id, threadId }: { id: number; threadId: number }): boolean =>
      hasReplied(on).get({ fromId, id, threadId }) !== undefined,
    /** Whether one of the last direct messages to `to` is from `fromId`. */
    hasWritten: (on: ReadTx, fromId: AgentId, to: Target): boolean => hasWritten(on).get({ fromId, to }) !== undefined,

    /** A place in the log: entries up to there are older than `time`. Found by halving, in some twenty steps. */
    placeBefore(on: ReadTx, time: number, head: number): number {
      let [low, high] = [0, head];
      while (low < high) {
        const middle = Math.floor((low + high) / 2) + 1;
        const entry = from(on).get({ id: middle });
        if (entry && entry.createdAt < time) low = Math.min(entry.id, high);
        else high = middle - 1;
      }
      return low;
    },
  };
}

/** The index covers the query. It is named because after ANALYZE the planner may prefer walking the log. */
const mailOf = () => sql`
  select t.target as target,
    (select json_group_array(json_array(id, from_id)) from (
      select id, from_id from messages indexed by messages_by_target
      where target = t.target and id > ${bound("after")} order by id desc limit ${fixedLimit(MAIL)})) as recent
  from memberships t where t.agent_id = ${bound("agentId")} and t.until_id is null`;

const newestOwnOf = () => sql`
  select max(id) as id from (
    select id, from_id from messages indexed by messages_by_target
    where target = ${bound("group")} and id > ${bound("after")} order by id desc limit ${fixedLimit(OWN)})
  where from_id = ${bound("agentId")}`;

const written = () => sql`
  select 1 as one from (
    select from_id from messages indexed by messages_by_target
    where target = ${bound("to")} order by id desc limit ${fixedLimit(WRITTEN)})
  where from_id = ${bound("fromId")} limit 1`;

const replied = () => sql`
  select 1 as one from (
    select from_id, reply_to from messages
    where thread_id = ${bound("threadId")} and thread_id is not null and id > ${bound("id")} order by id limit ${fixedLimit(ANSWERS)})
  where from_id = ${bound("fromId")} and reply_to = ${bound("id")} limit 1`;
