import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { memberships } from "../agents/tables.ts";
import { bound, fixedLimit } from "../db/bound.ts";
import type { Db, Reading } from "../db/database.ts";
import type { Candidate } from "./store.ts";
import { attempts, messages } from "./tables.ts";

export type AccessStore = ReturnType<typeof createAccessStore>;

/** Who may read what, as questions to the database. */
export function createAccessStore(db: Db) {
  const memberAt = db.statement((q) =>
    q
      .select({ one: sql`1` })
      .from(memberships)
      .where(
        and(
          eq(memberships.agentId, bound("agentId")),
          eq(memberships.target, bound("target")),
          sql`${memberships.sinceId} < ${bound("at")} and (${memberships.untilId} is null or ${memberships.untilId} >= ${bound("at")})`,
        ),
      )
      .limit(fixedLimit(1))
      .prepare(),
  );
  const targetsNow = db.statement((q) =>
    q
      .select({ target: memberships.target })
      .from(memberships)
      .where(and(eq(memberships.agentId, bound("agentId")), isNull(memberships.untilId)))
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

  return {
    /** Whether the agent belonged to the target when the entry at `at` was appended. */
    memberAt: async (on: Reading, agentId: string, target: string, at: number): Promise<boolean> =>
      memberAt(on).get({ agentId, target, at }) !== undefined,
    /** What the agent belongs to now: its own id, and groups. */
    targetsNow: async (on: Reading, agentId: string): Promise<string[]> =>
      targetsNow(on)
        .all({ agentId })
        .map((row) => row.target),
    /** Whether the agent ever held a lease of it. */
    workedOn: async (on: Reading, agentId: string, messageId: number): Promise<boolean> =>
      worked(on).get({ messageId, agentId }) !== undefined,
  };
}

/** As a condition on messages: what the agent sent, or what was for it when it was appended. */
export const visibleTo = (agentId: string): SQL => sql`(${messages.fromId} = ${agentId} or exists (
  select 1 from ${memberships} mb where mb.agent_id = ${agentId} and mb.target = ${messages.target}
    and mb.since_id < ${messages.id} and (mb.until_id is null or mb.until_id >= ${messages.id})))`;

/** Whether an entry belongs into the inbox: what oneself sends to a group is left out. */
export const isForInbox = (agentId: string, entry: Candidate): boolean =>
  entry.fromId !== agentId || entry.target === agentId;
