import { and, asc, eq, isNull, sql } from "drizzle-orm";
import { bound, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import { acks, agents, memberships } from "./tables.ts";

export type MemberStore = ReturnType<typeof createMemberStore>;

const p = sql.placeholder;

/** What an agent belongs to, and how far it has acknowledged. */
export function createMemberStore(db: Db) {
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
  const anyHere = db.statement((q) => q.select({ id: sql<string>`id` }).from(sql`(${someoneHere()})`).prepare());
  const setCursor = db.statement((q) =>
    q
      .update(agents)
      .set({ cursor: sql`${p("upTo")}`, ackedAt: sql`${p("at")}` })
      .where(eq(agents.id, bound("agentId")))
      .prepare(),
  );
  const addAck = db.statement((q) =>
    q
      .insert(acks)
      .values({ agentId: p("agentId"), second: p("second"), upTo: p("upTo"), at: p("at") })
      .onConflictDoUpdate({
        target: [acks.agentId, acks.second],
        set: { upTo: sql`excluded.up_to`, at: sql`excluded.at` },
      })
      .prepare(),
  );

  const ackedAt = db.statement((q) =>
    q
      .select({ at: acks.at })
      .from(acks)
      .where(and(eq(acks.agentId, bound("agentId")), sql`${acks.upTo} >= ${bound("id")}`))
      .orderBy(asc(acks.second))
      .limit(fixedLimit(1))
      .prepare(),
  );

  return {
    /** Whether the agent belonged to the target when the entry at `at` was appended. */
    memberAt: async (on: Reading, agentId: AgentId, target: Target, at: number): Promise<boolean> =>
      memberAt(on).get({ agentId, target, at }) !== undefined,
    /** What the agent belongs to now: its own id, and groups. */
    targetsNow: async (on: Reading, agentId: string): Promise<string[]> =>
      targetsNow(on)
        .all({ agentId })
        .map((row) => row.target),
    /** Whether an agent, or one of the first thousand of a group but `except`, is not offline. */
    anyHere: async (on: Reading, target: string, except: string): Promise<boolean> =>
      anyHere(on).get({ target, except }) !== undefined,
    /** At most one row a second: with it one can say when a message was acknowledged. */
    ack: async (tx: Tx, agentId: string, upTo: number, at: number): Promise<void> => {
      setCursor(tx).run({ agentId, upTo, at });
      addAck(tx).run({ agentId, second: Math.floor(at / 1000), upTo, at });
    },
    /** When the agent first acknowledged as far as `id`. */
    ackedAt: async (on: Reading, agentId: string, id: number): Promise<number | undefined> =>
      ackedAt(on).get({ agentId, id })?.at,
  };
}

const someoneHere = () => sql`
  select agents.id as id from (
    select agent_id from memberships indexed by memberships_by_target
    where target = ${bound("target")} and until_id is null limit 1000) some
  join agents on agents.id = some.agent_id
  where agents.status <> 'offline' and agents.id <> ${bound("except")} limit 1`;
