import { eq, type SQL, sql } from "drizzle-orm";
import { memberships } from "../../identity/agents/tables.ts";
import { wantedFacets } from "../facets/filter.ts";
import { hasFacet } from "../facets/tables.ts";
import { work } from "../work/tables.ts";
import type { Filter } from "./filter.ts";
import { messages } from "./tables.ts";

/** One way to walk the log by an index: by condition, by sender, by targets, or by an agent's former targets. */
export type Driver = SQL | { sender: string } | { targets: readonly string[] } | { member: string };

/** The signs keep the planner from walking the whole thread where a few candidates have to pass. */
const inThread = (thread: number): SQL => sql`(+${messages.id} = ${thread} or +${messages.threadId} = ${thread})`;
const concerns = (agentId: string): SQL => sql`(${messages.fromId} = ${agentId} or ${messages.target} = ${agentId})`;

/**
 * The indexes a list walks: together they give every candidate, each in order of id. What they do not decide is filtered
 * afterwards, among a bounded number of candidates.
 * @param targets current and former targets of the reader; undefined where those are too many
 */
export function drivers(filter: Filter, reader: string | null, targets: readonly string[] | undefined): Driver[] {
  if (filter.thread !== undefined) return [eq(messages.id, filter.thread), eq(messages.threadId, filter.thread)];
  if (filter.from !== undefined) return [{ sender: filter.from }];
  if (filter.to !== undefined) return [{ targets: [filter.to] }];
  if (filter.agent !== undefined) return [{ sender: filter.agent }, { targets: [filter.agent] }];
  if (reader === null) return [sql`true`];
  return [{ sender: reader }, targets ? { targets } : { member: reader }];
}

/** As a condition on messages: the agent belonged to the target when it was appended. */
const belonged = (agentId: string, target: SQL): SQL => sql`exists (
  select 1 from ${memberships} mb where mb.agent_id = ${agentId} and mb.target = ${target}
    and mb.since_id < ${messages.id} and (mb.until_id is null or mb.until_id >= ${messages.id}))`;

/** Entries for the agent, or sent by it. */
const visibleTo = (agentId: string): SQL =>
  sql`(${messages.fromId} = ${agentId} or ${belonged(agentId, sql`${messages.target}`)})`;

const ownThread = sql`coalesce(${messages.threadId}, ${messages.id})`;

/** Conditions that each candidate still has to pass. */
export function conditions(filter: Filter, reader: string | null): SQL[] {
  const where: SQL[] = [];
  if (reader !== null) where.push(visibleTo(reader));
  if (filter.from !== undefined) where.push(eq(messages.fromId, filter.from));
  if (filter.to !== undefined) where.push(eq(messages.target, filter.to));
  if (filter.agent !== undefined) where.push(concerns(filter.agent));
  if (filter.thread !== undefined) where.push(inThread(filter.thread));
  if (filter.topic !== undefined) where.push(eq(messages.topic, filter.topic));
  if (filter.kind !== undefined) where.push(eq(messages.kind, filter.kind));
  if (filter.state !== undefined)
    where.push(sql`exists (select 1 from ${work} w where w.message_id = ${messages.id} and w.state = ${filter.state})`);
  for (const facet of wantedFacets(filter)) where.push(hasFacet("thread", ownThread, facet));
  return where;
}
