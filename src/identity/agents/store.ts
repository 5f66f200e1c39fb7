import { and, asc, count, eq, getTableColumns, gt, isNull, or, type SQL, sql } from "drizzle-orm";
import { bound, boundLimit, fixedLimit } from "../../kernel/db/bound.ts";
import type { Db, Reading, Tx } from "../../kernel/db/database.ts";
import type { AgentId, InstanceId, Target } from "../../protocol/ids.ts";
import type { AgentFacts, AgentHead, AgentRow, MemberPast, Membership } from "./row.ts";
import { acks, agents, groups, instances, memberships } from "./tables.ts";

const {
  description: _d,
  skills: _s,
  tags: _t,
  capabilities: _c,
  channel: _ch,
  meta: _m,
  ...head
} = getTableColumns(agents);

export interface AgentFilter {
  kind?: string | undefined;
  status?: string | undefined;
  tag?: string | undefined;
  capability?: string | undefined;
  label?: string | undefined;
  machine?: string | undefined;
}

/** Group names compared with a mistyped one. */
const MOST_NAMES = 1000;

export type AgentStore = ReturnType<typeof createAgentStore>;

export function createAgentStore(db: Db) {
  const factsById = db.statement((q) =>
    q
      .select({
        id: agents.id,
        kind: agents.kind,
        ready: agents.ready,
        instanceId: agents.instanceId,
        epoch: agents.epoch,
        cursor: agents.cursor,
        deletedAt: agents.deletedAt,
      })
      .from(agents)
      .where(eq(agents.id, bound("id")))
      .prepare(),
  );
  const rowById = db.statement((q) =>
    q
      .select()
      .from(agents)
      .where(eq(agents.id, bound("id")))
      .prepare(),
  );
  const membersOf = db.statement((q) =>
    q
      .select({ members: groups.members })
      .from(groups)
      .where(eq(groups.target, bound("target")))
      .prepare(),
  );
  const firstGroups = db.statement((q) =>
    q
      .select({ target: groups.target, members: groups.members })
      .from(groups)
      .where(gt(groups.target, bound("after")))
      .limit(fixedLimit(MOST_NAMES))
      .prepare(),
  );
  /** Those that reach beyond `after`: the others cannot hold anything to be read from there. */
  const membershipsBeyond = db.statement((q) =>
    q
      .select()
      .from(memberships)
      .where(
        and(
          eq(memberships.agentId, bound("id")),
          or(isNull(memberships.untilId), gt(memberships.untilId, bound("after"))),
        ),
      )
      .prepare(),
  );
  const openMemberships = db.statement((q) =>
    q
      .select()
      .from(memberships)
      .where(and(eq(memberships.agentId, bound("agentId")), isNull(memberships.untilId)))
      .prepare(),
  );
  const endedBeyond = db.statement((q) =>
    q
      .select()
      .from(memberships)
      .where(and(eq(memberships.agentId, bound("agentId")), gt(memberships.untilId, bound("after"))))
      .limit(boundLimit("limit"))
      .prepare(),
  );
  const touch = db.statement((q) =>
    q
      .update(agents)
      .set({ lastSeenAt: sql`${sql.placeholder("at")}` })
      .where(eq(agents.id, bound("id")))
      .prepare(),
  );

  return {
    facts: async (on: Reading, agentId: string): Promise<AgentFacts | undefined> => factsById(on).get({ id: agentId }),
    byId: async (on: Reading, agentId: string): Promise<AgentRow | undefined> => rowById(on).get({ id: agentId }),
    /** How many belong to a group now. */
    members: async (on: Reading, target: string): Promise<number> => membersOf(on).get({ target })?.members ?? 0,
    /** Groups with members: some of them where there are many. */
    groupNames: async (on: Reading): Promise<string[]> =>
      firstGroups(on)
        .all({ after: "" })
        .flatMap(({ target, members }) => (members > 0 ? [target] : [])),
    membershipsBeyond: async (on: Reading, agentId: string, after: number): Promise<Membership[]> =>
      membershipsBeyond(on).all({ id: agentId, after }),
    /** Some of what the agent ever belonged to. */
    everTargets: async (on: Reading, agentId: string, limit: number): Promise<string[]> =>
      on.db
        .selectDistinct({ target: memberships.target })
        .from(memberships)
        .where(eq(memberships.agentId, agentId))
        .limit(limit)
        .all()
        .map((row) => row.target),

    /** Those that are not deleted, by id. */
    page: async (on: Reading, filter: AgentFilter, after: string | undefined, limit: number): Promise<AgentRow[]> =>
      on.db
        .select()
        .from(agents)
        .where(and(isNull(agents.deletedAt), after ? gt(agents.id, after) : undefined, ...conditions(filter)))
        .orderBy(asc(agents.id))
        .limit(limit)
        .all(),
    all: async (on: Reading): Promise<AgentRow[]> => on.db.select().from(agents).where(isNull(agents.deletedAt)).all(),

    put: async (tx: Tx, row: AgentRow): Promise<void> => {
      tx.db.insert(agents).values(row).onConflictDoUpdate({ target: agents.id, set: row }).run();
    },
    touch: async (tx: Tx, agentId: string, at: number): Promise<void> => {
      touch(tx).run({ id: agentId, at });
    },
    setStatus: async (tx: Tx, agentId: string, status: AgentRow["status"]): Promise<void> => {
      tx.db.update(agents).set({ status }).where(eq(agents.id, agentId)).run();
    },

    instance: async (on: Reading, agentId: AgentId, instanceId: InstanceId) =>
      on.db
        .select()
        .from(instances)
        .where(and(eq(instances.agentId, agentId), eq(instances.instanceId, instanceId)))
        .get(),
    addInstance: async (tx: Tx, row: typeof instances.$inferInsert): Promise<void> => {
      tx.db.insert(instances).values(row).run();
    },

    openMemberships: async (on: Reading, agentId: string): Promise<Membership[]> =>
      openMemberships(on).all({ agentId }),
    /** Some of those that ended beyond a place in the log. */
    endedBeyond: async (on: Reading, agentId: string, after: number, limit: number): Promise<Membership[]> =>
      endedBeyond(on).all({ agentId, after, limit }),
    join: async (tx: Tx, agentId: AgentId, target: Target, sinceId: number): Promise<void> => {
      // Joining again where one left in the same place in the log: the gap holds nothing.
      tx.db
        .insert(memberships)
        .values({ agentId, target, sinceId, untilId: null })
        .onConflictDoUpdate({
          target: [memberships.agentId, memberships.target, memberships.sinceId],
          set: { untilId: null },
        })
        .run();
      changeCount(tx, target, 1);
    },
    leave: async (tx: Tx, membership: Membership, untilId: number): Promise<void> => {
      tx.db
        .update(memberships)
        .set({ untilId })
        .where(
          and(
            eq(memberships.agentId, membership.agentId),
            eq(memberships.target, membership.target),
            eq(memberships.sinceId, membership.sinceId),
          ),
        )
        .run();
      changeCount(tx, membership.target, -1);
    },
    /** Shrinks some tombstones from before `before` to id and kind. Answers how many. */
    shrink: async (tx: Tx, before: number, limit: number): Promise<number> => {
      const old = tx.db
        .select({ id: agents.id })
        .from(agents)
        .where(sql`deleted_at is not null and name <> '' and deleted_at < ${before}`)
        .limit(limit)
        .all();
      for (const { id } of old) {
        for (const table of [instances, memberships, acks]) tx.db.delete(table).where(eq(table.agentId, id)).run();
        tx.db.update(agents).set(SHRUNK).where(eq(agents.id, id)).run();
      }
      return old.length;
    },
    /** Those whose membership held at a place in the log, by agent id. */
    membersAt: async (on: Reading, target: string, at: number, after: string, limit: number): Promise<AgentHead[]> =>
      on.db
        .selectDistinct(head)
        .from(memberships)
        .innerJoin(agents, eq(agents.id, memberships.agentId))
        .where(and(eq(memberships.target, target), gt(memberships.agentId, after), heldAt(at)))
        .orderBy(asc(memberships.agentId))
        .limit(limit)
        .all(),
    /** Whether anybody of a group is online now, as far as its first thousand members go. */
    someoneOnline: async (on: Reading, target: string): Promise<boolean> => {
      const some = on.db
        .select({ agentId: memberships.agentId })
        .from(memberships)
        .where(and(eq(memberships.target, target), isNull(memberships.untilId)))
        .limit(1000)
        .as("some");
      const found = on.db
        .select({ one: sql`1` })
        .from(some)
        .innerJoin(agents, eq(agents.id, some.agentId))
        .where(sql`${agents.status} <> 'offline'`)
        .limit(1)
        .get();
      return found !== undefined;
    },
    /** Members at some place in the log from this one on who have acknowledged past this one. */
    membersPast: async (on: Reading, target: string, from: number, limit: number): Promise<MemberPast[]> =>
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
    total: async (on: Reading): Promise<number> =>
      on.db.select({ n: count() }).from(agents).where(isNull(agents.deletedAt)).get()?.n ?? 0,
  };
}

/** A tombstone without what it said of itself. */
const SHRUNK: Partial<AgentRow> = {
  ...{ name: "", label: null, role: null, description: null, skills: [], tags: [], capabilities: [] },
  ...{ machine: null, rig: null, instanceId: null, channel: null, meta: null, ackedAt: null },
};

const heldAt = (at: number): SQL =>
  sql`${memberships.sinceId} < ${at} and (${memberships.untilId} is null or ${memberships.untilId} >= ${at})`;

function changeCount(tx: Tx, target: string, by: 1 | -1): void {
  tx.db
    .insert(groups)
    .values({ target, members: by })
    .onConflictDoUpdate({ target: groups.target, set: { members: sql`${groups.members} + ${by}` } })
    .run();
}

function conditions(filter: AgentFilter): SQL[] {
  const where: SQL[] = [];
  if (filter.kind) where.push(sql`${agents.kind} = ${filter.kind}`);
  if (filter.status) where.push(sql`${agents.status} = ${filter.status}`);
  if (filter.label) where.push(eq(agents.label, filter.label));
  if (filter.machine) where.push(eq(agents.machine, filter.machine));
  if (filter.tag) where.push(sql`exists (select 1 from json_each(${agents.tags}) where value = ${filter.tag})`);
  if (filter.capability)
    where.push(sql`exists (select 1 from json_each(${agents.capabilities}) where value = ${filter.capability})`);
  return where;
}
