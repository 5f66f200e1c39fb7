import { desc, gte, sql } from "drizzle-orm";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { columnsWhere, equal, pick } from "../../kernel/db/statements.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { ByTarget } from "./by-target.ts";
import type { Lineage } from "./row.ts";
import { lineageColumns } from "./store.ts";
import { messages } from "./tables.ts";

/** Entries of a group in which an agent's own post is looked for. */
const OWN = 500;
/** Entries of a thread that count. */
const THREAD = 24;
/** Entries of a thread after a question in which its answer is looked for. */
const ANSWERS = 200;
/** Mail of another agent in which a recent message to it is looked for. */
const WRITTEN = 12;

const thread = columnsWhere(lineageColumns, messages, equal(messages, "threadId"), {
  orderBy: desc(messages.id),
  limit: THREAD,
});
const hasReplied = statement((q) => q.select({ one: sql<number>`one` }).from(sql`(${replied()})`).prepare());
const from = columnsWhere(pick(messages, "id", "createdAt"), messages, gte(messages.id, bound("id")), {
  orderBy: messages.id,
  limit: 1,
});

/** Queries of the loop rule: each by an index, each bounded. */
export function createLinkStore(byTarget: ByTarget) {
  return {
    mail: byTarget.mail,
    /** An agent's newest post in a group after a place. Apart from `mail`, of which it would be more than half. */
    newestOwn: (on: ReadTx, agentId: string, group: string, after: number): number | null =>
      byTarget.newestFrom(on, agentId, group, after, OWN),
    /** The newest entries of a thread, newest first, its root not included. */
    thread: (on: ReadTx, threadId: number): Lineage[] => thread(on).all({ threadId }),
    /** Whether a reply to an entry follows soon after it in its thread. */
    hasReplied: (on: ReadTx, fromId: string, { id, threadId }: { id: number; threadId: number }): boolean =>
      hasReplied(on).get({ fromId, id, threadId }) !== undefined,
    /** Whether one of the last direct messages to `to` is from `fromId`. */
    hasWritten: (on: ReadTx, fromId: AgentId, to: Target): boolean =>
      byTarget.newestFrom(on, fromId, to, 0, WRITTEN) !== null,

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

const replied = () => sql`
  select 1 as one from (
    select from_id, reply_to, payload from messages
    where thread_id = ${bound("threadId")} and thread_id is not null and id > ${bound("id")} order by id limit ${fixedLimit(ANSWERS)})
  where from_id = ${bound("fromId")} and reply_to = ${bound("id")} and coalesce(payload ->> '$.progress', 0) <> 1 limit 1`;
