import { desc, eq, sql } from "drizzle-orm";
import { messages } from "../../core/messages/tables.ts";
import { bound, boundLimit, fixedLimit } from "../../kernel/db/bound.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";

const MAX_TALK = 2000;

const nthReply = statement((q) =>
  q
    .select({ createdAt: messages.createdAt })
    .from(messages)
    .where(eq(messages.threadId, bound("threadId")))
    .orderBy(desc(messages.id))
    .limit(fixedLimit(1))
    .offset(boundLimit("skip"))
    .prepare(),
);
const nthTalk = statement((q) => q.select({ at: sql<number>`at` }).from(sql`(${talkOf()})`).prepare());

/** Times of replies in a thread. */
export function createTalkStore() {
  return {
    /** Time of a thread's newest reply after skipping `skip`; undefined when the thread has fewer. */
    replyAt: async (on: ReadTx, threadId: number, skip: number): Promise<number | undefined> =>
      nthReply(on).get({ threadId, skip })?.createdAt,
    /** The same for one agent's talk there: no work, requests or their answers. Reads at most 2,000 entries. */
    talkAt: async (on: ReadTx, threadId: number, fromId: string, skip: number): Promise<number | undefined> =>
      nthTalk(on).get({ threadId, fromId, skip })?.at,
  };
}

const talkOf = () => sql`
  select created_at as at from (
    select id, from_id, kind, claimable, created_at from messages
    where thread_id = ${bound("threadId")} order by id desc limit ${fixedLimit(MAX_TALK)})
  where from_id = ${bound("fromId")} and not claimable and kind not in ('request', 'response')
  order by id desc limit 1 offset ${boundLimit("skip")}`;
