import { and, asc, eq, getTableColumns, gt, isNull, or, type SQL, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { changeWhere, columnsWhere, equal, everyColumn, pick, rowsWhere } from "../../kernel/db/statements.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { AgentFacts, AgentHead, AgentRow, MemberPast, Membership } from "./row.ts";
import { acks, agents, groups, memberships } from "./tables.ts";

/** Group names compared with a mistyped one. */
const MOST_NAMES = 1000;

const {
  description: _d,
  skills: _s,
  tags: _t,
  capabilities: _c,
  channel: _ch,
  meta: _m,
  ...head
} = getTableColumns(agents);

const p = sql.placeholder;

export type KeptAgents = ReturnType<typeof keepAgents>;

const factsById = columnsWhere(
  pick(agents, "id", "kind", "ready", "instanceId", "epoch", "cursor", "deletedAt"),
  agents,
  equal(agents, "id"),
);
const membersOf = columnsWhere(pick(groups, "members"), groups, equal(groups, "target"));
const targetsNow = columnsWhere(
  pick(memberships, "target"),
  memberships,
  and(equal(memberships, "agentId"), isNull(memberships.untilId)),
);

/** Facts about agents and groups that every write asks for: of its caller, of the target of a send. */
export function keepAgents(db: Db) {
  return {
    facts: db.keep("facts of agents", (on, id): AgentFacts | undefined => factsById(on).get({ id })),
    members: db.keep("members of groups", (on, target): number => membersOf(on).get({ target })?.members ?? 0),
    targets: db.keep("targets of agents", (on, agentId): readonly string[] =>
      targetsNow(on)
        .all({ agentId })
        .map((row) => row.target),
    ),
  };
}

const rowById = rowsWhere(agents, equal(agents, "id"));
const firstGroups = columnsWhere(pick(groups, "target", "members"), groups, gt(groups.target, bound("after")), {
  limit: MOST_NAMES,
});
/** Memberships that reach beyond `after`: others hold nothing to read from there. */
const membershipsBeyond = rowsWhere(
  memberships,
  and(eq(memberships.agentId, bound("id")), or(isNull(memberships.untilId), gt(memberships.untilId, bound("after")))),
);
const openMemberships = rowsWhere(memberships, and(equal(memberships, "agentId"), isNull(memberships.untilId)));
const endedBeyond = rowsWhere(
  memberships,
  and(equal(memberships, "agentId"), gt(memberships.untilId, bound("after"))),
  { limit: "limit" },
);
const memberAt = columnsWhere(
  { one: sql`1` },
  memberships,
  and(
    equal(memberships, "agentId", "target"),
    sql`${memberships.sinceId} < ${bound("at")} and (${memberships.untilId} is null or ${memberships.untilId} >= ${bound("at")})`,
  ),
  { limit: 1 },
);
const anyHere = statement((q) => q.select({ id: sql<string>`id` }).from(sql`(${someoneHere()})`).prepare());
const setCursor = changeWhere(
  agents,
  { cursor: sql`${p("upTo")}`, ackedAt: sql`${p("at")}` },
  eq(agents.id, bound("agentId")),
);
const addAck = statement((q) =>
  q
    .insert(acks)
    .values(everyColumn(acks))
    .onConflictDoUpdate({
      target: [acks.agentId, acks.second],
      set: { upTo: sql`excluded.up_to`, at: sql`excluded.at` },
    })
    .prepare(),
);
const ackedAt = columnsWhere(pick(acks, "at"), acks, and(equal(acks, "agentId"), sql`${acks.upTo} >= ${bound("id")}`), {
  orderBy: asc(acks.second),
  limit: 1,
});

/** Questions that all areas ask about agents and groups, and acknowledgements. */
export function createDirectory(kept: KeptAgents) {
  return {
    facts: (on: ReadTx, agentId: string): AgentFacts | undefined => kept.facts.get(on, agentId),
    /** How far an agent has acknowledged. */
    cursorOf: (on: ReadTx, agentId: string): number => kept.facts.get(on, agentId)?.cursor ?? 0,
    byId: async (on: ReadTx, agentId: string): Promise<AgentRow | undefined> => rowById(on).get({ id: agentId }),
    /** Current number of members of a group. */
    members: (on: ReadTx, target: string): number => kept.members.get(on, target),
    /** Groups with members: some of them where there are many. */
    groupNames: async (on: ReadTx): Promise<string[]> =>
      firstGroups(on)
        .all({ after: "" })
        .flatMap(({ target, members }) => (members > 0 ? [target] : [])),
    membershipsBeyond: async (on: ReadTx, agentId: string, after: number): Promise<Membership[]> =>
      membershipsBeyond(on).all({ id: agentId, after }),
    /** Some targets that the agent ever belonged to. */
    everTargets: async (on: ReadTx, agentId: string, limit: number): Promise<string[]> =>
      on.db
        .selectDistinct({ target: memberships.target })
        .from(memberships)
        .where(eq(memberships.agentId, agentId))
        .limit(limit)
        .all()
        .map((row) => row.target),

    all: async (on: ReadTx): Promise<AgentRow[]> => on.db.select().from(agents).where(isNull(agents.deletedAt)).all(),

    openMemberships: async (on: ReadTx, agentId: string): Promise<Membership[]> => openMemberships(on).all({ agentId }),
    /** Some memberships that ended beyond a place in the log. */
    endedBeyond: async (on: ReadTx, agentId: string, after: number, limit: number): Promise<Membership[]> =>
      endedBeyond(on).all({ agentId, after, limit }),
    /** Agents whose membership held at a place in the log, by id. */
    membersAt: async (on: ReadTx, target: string, at: number, after: string, limit: number): Promise<AgentHead[]> =>
      on.db
        .selectDistinct(head)
        .from(memberships)
        .innerJoin(agents, eq(agents.id, memberships.agentId))
        .where(and(eq(memberships.target, target), gt(memberships.agentId, after), heldAt(at)))
        .orderBy(asc(memberships.agentId))
        .limit(limit)
        .all(),
    /** Members at some place in the log from this one on who have acknowledged past this one. */
    membersPast: async (on: ReadTx, target: string, from: number, limit: number): Promise<MemberPast[]> =>
      on.db
        .select({
          agentId: agents.id,
          sinceId: memberships.sinceId,
          untilId: memberships.untilId,
          cursor: agents.cursor,
        })
        .from(memberships)
        .innerJoin(agents, eq(agents.id, memberships.agentId))
        .where(
          and(
            eq(memberships.target, target),
            sql`(${memberships.untilId} is null or ${memberships.untilId} >= ${from})`,
            sql`${agents.cursor} >= ${from}`,
          ),
        )
        .limit(limit)
        .all(),
    /** Whether the agent belonged to the target when the entry at `at` was appended. */
    memberAt: async (on: ReadTx, agentId: AgentId, target: Target, at: number): Promise<boolean> =>
      memberAt(on).get({ agentId, target, at }) !== undefined,
    /** Current targets of an agent: its own id, and groups. */
    targetsNow: (on: ReadTx, agentId: string): readonly string[] => kept.targets.get(on, agentId),
    /** Whether an agent, or one of the first thousand of a group but `except`, is not offline. */
    anyHere: async (on: ReadTx, target: string, except: string): Promise<boolean> =>
      anyHere(on).get({ target, except }) !== undefined,
    /** At most one row a second: with it one can say when a message was acknowledged. */
    ack: async (tx: Tx, agentId: string, upTo: number, at: number): Promise<void> => {
      setCursor(tx).run({ agentId, upTo, at });
      kept.facts.forget(agentId);
      addAck(tx).run({ agentId, second: Math.floor(at / 1000), upTo, at });
    },
    /** When the agent first acknowledged as far as `id`. */
    ackedAt: async (on: ReadTx, agentId: string, id: number): Promise<number | undefined> =>
      ackedAt(on).get({ agentId, id })?.at,
  };
}

const someoneHere = () => sql`
  select agents.id as id from (
    select agent_id from memberships indexed by memberships_by_target
    where target = ${bound("target")} and until_id is null limit 1000) some
  join agents on agents.id = some.agent_id
  where agents.status <> 'offline' and agents.id <> ${bound("except")} limit 1`;

const heldAt = (at: number): SQL =>
  sql`${memberships.sinceId} < ${at} and (${memberships.untilId} is null or ${memberships.untilId} >= ${at})`;
