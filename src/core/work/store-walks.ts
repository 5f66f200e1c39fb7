import { and, eq, type SQL, sql } from "drizzle-orm";
import type { ReadTx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { type Walk, type Walked, walk } from "../../kernel/db/reads.ts";
import type { WorkState } from "../../protocol/messages.ts";
import { type FacetFilter, wantedFacets } from "../facets/filter.ts";
import { hasFacet } from "../facets/tables.ts";
import type { Moment } from "./row.ts";
import { work } from "./tables.ts";

/** Work that acts on many look for. */
export interface WorkFilter extends FacetFilter {
  ids?: readonly number[] | undefined;
  target?: string | undefined;
  topic?: string | undefined;
  kind?: string | undefined;
  /** Message of the thread. */
  thread?: number | undefined;
  from?: string | undefined;
  before?: number | undefined;
  after?: number | undefined;
  /** null: none. */
  error?: string | null | undefined;
}

const ofMessage = (where: SQL): SQL =>
  sql`exists (select 1 from messages m where m.id = ${work.messageId} and ${where})`;

function fitting({ target, topic, kind, thread, from, before, after, error, ...about }: WorkFilter): SQL[] {
  const where: SQL[] = [];
  // The signs keep the planner on the walk.
  if (target !== undefined) where.push(sql`+${work.target} = ${target}`);
  if (topic !== undefined) where.push(sql`+${work.topic} = ${topic}`);
  if (kind !== undefined) where.push(sql`+${work.kind} = ${kind}`);
  if (thread !== undefined) where.push(ofMessage(sql`(m.id = ${thread} or m.thread_id = ${thread})`));
  if (from !== undefined) where.push(ofMessage(sql`m.from_id = ${from}`));
  if (before !== undefined) where.push(sql`${work.messageId} < ${before}`);
  if (after !== undefined) where.push(sql`${work.messageId} > ${after}`);
  if (error !== undefined) where.push(sql`${work.error} is ${error}`);
  for (const facet of wantedFacets(about))
    where.push(ofMessage(hasFacet("thread", sql`coalesce(m.thread_id, m.id)`, facet)));
  return where;
}

const over = { table: work, place: work.messageId, id: work.messageId };
const ids = ({ ids: some }: WorkFilter): SQL | undefined => some && inIds(work.messageId, some);

/** State at a moment of work that has not ended by now: dead until it was requeued, claimed during a lease, else `waited`. */
const stateAt = (at: number, waited: WorkState): SQL => sql`case
  when ${work.requeuedAt} > ${at} or (${work.state} = 'dead' and ${work.endedAt} <= ${at}) then 'dead'
  when ${work.claimedAt} <= ${at} and (${work.endedAt} is null or ${work.endedAt} > ${at}) then 'claimed'
  when exists (select 1 from attempts a where a.message_id = ${work.messageId} and a.claimed_at <= ${at}
    and coalesce(a.ended_at, ${work.endedAt}, ${at} + 1) > ${at}) then 'claimed'
  else ${waited} end`;

/** Walks along the work, for acts on many pieces of it. */
export const workWalks = {
  /** Dead letters that were dead at a moment. */
  dead(on: ReadTx, filter: WorkFilter, { head, at }: Moment, part: Walk): Walked<number> {
    const died = sql`(${work.endedAt} < ${at} or (${work.endedAt} = ${at} and ${work.endedUpTo} <= ${head}))`;
    const among = and(sql`state = 'dead'`, ids(filter));
    return walk(on, { ...over, among, fits: and(died, ...fitting(filter)) }, part);
  },
  /** Work in one of these states that was in one of them at a moment, too. */
  inStates(on: ReadTx, states: readonly WorkState[], filter: WorkFilter, { at }: Moment, part: Walk): Walked<number> {
    const isIn = (state: SQL) => sql`${state} in (select value from json_each(${JSON.stringify(states)}))`;
    const waited = states.find((state) => state === "open" || state === "delayed") ?? "open";
    const fits = and(isIn(sql`+${work.state}`), isIn(stateAt(at, waited)), ...fitting(filter));
    return walk(on, { ...over, among: ids(filter), fits }, part);
  },
  /** Target and error of a dead letter: its cause. */
  causeOf(on: ReadTx, messageId: number): { target: string; error: string | null } | undefined {
    const cause = { target: work.target, error: work.error };
    return on.db
      .select(cause)
      .from(work)
      .where(and(eq(work.messageId, messageId), eq(work.state, "dead")))
      .get();
  },
};
