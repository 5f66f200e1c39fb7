import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { changeWhere, columns, equal, everyColumn, putWhole, rowsWhere } from "../../kernel/db/statements.ts";
import type { AgentId, InstanceId, Target } from "../../protocol/ids.ts";
import type { AgentRow, Membership } from "./row.ts";
import type { KeptAgents } from "./store-directory.ts";
import { acks, agents, groups, instances, memberships } from "./tables.ts";

export interface AgentFilter {
  kind?: string | undefined;
  status?: string | undefined;
  tag?: string | undefined;
  capability?: string | undefined;
  label?: string | undefined;
  machine?: string | undefined;
  /** These alone. */
  ids?: readonly string[] | undefined;
}

const put = putWhole(agents, agents.id);
const instance = rowsWhere(instances, equal(instances, "agentId", "instanceId"));
const touch = changeWhere(agents, { lastSeenAt: sql`${sql.placeholder("at")}` }, equal(agents, "id"));
const end = changeWhere(memberships, columns("untilId"), equal(memberships, "agentId", "target", "sinceId"));
const join = statement((q) =>
  q
    .insert(memberships)
    .values(everyColumn(memberships))
    .onConflictDoUpdate({
      target: [memberships.agentId, memberships.target, memberships.sinceId],
      set: { untilId: null },
    })
    .prepare(),
);
const changeCount = statement((q) =>
  q
    .insert(groups)
    .values({ target: sql.placeholder("target"), members: sql.placeholder("by") })
    .onConflictDoUpdate({ target: groups.target, set: { members: sql`${groups.members} + excluded.members` } })
    .prepare(),
);

export function createAgentStore(kept: KeptAgents) {
  function regrouped(agentId: string, target: string): void {
    kept.targets.forget(agentId);
    kept.members.forget(target);
  }
  return {
    /** Agents that are not deleted, by id. */
    page: async (on: ReadTx, filter: AgentFilter, after: string | undefined, limit: number): Promise<AgentRow[]> =>
      readRows(
        on,
        agents,
        and(isNull(agents.deletedAt), after ? gt(agents.id, after) : undefined, ...conditions(filter)),
        { orderBy: asc(agents.id), limit },
      ),
    put: async (tx: Tx, row: AgentRow): Promise<void> => {
      put(tx).run({ ...row });
      kept.facts.forget(row.id);
    },
    touch: async (tx: Tx, agentId: string, at: number): Promise<void> => {
      touch(tx).run({ id: agentId, at });
    },
    setStatus: async (tx: Tx, agentId: string, status: AgentRow["status"]): Promise<void> => {
      tx.db.update(agents).set({ status }).where(eq(agents.id, agentId)).run();
    },

    instance: async (on: ReadTx, agentId: AgentId, instanceId: InstanceId) => instance(on).get({ agentId, instanceId }),
    addInstance: async (tx: Tx, row: typeof instances.$inferInsert): Promise<void> => {
      tx.db.insert(instances).values(row).run();
    },

    join: async (tx: Tx, agentId: AgentId, target: Target, sinceId: number): Promise<void> => {
      // Joining again where one left in the same place in the log: the gap holds nothing.
      join(tx).run({ agentId, target, sinceId, untilId: null });
      changeCount(tx).run({ target, by: 1 });
      regrouped(agentId, target);
    },
    leave: async (tx: Tx, membership: Membership, untilId: number): Promise<void> => {
      end(tx).run({ ...membership, untilId });
      changeCount(tx).run({ target: membership.target, by: -1 });
      regrouped(membership.agentId, membership.target);
    },
    /** Shrinks some tombstones from before `before` to id and kind. Answers how many. */
    shrink: async (tx: Tx, before: number, limit: number): Promise<number> => {
      const isOld = sql`deleted_at is not null and name <> '' and deleted_at < ${before}`;
      const old = readValues(tx, agents.id, isOld, { limit });
      for (const id of old) {
        for (const table of [instances, memberships, acks]) tx.db.delete(table).where(eq(table.agentId, id)).run();
        tx.db.update(agents).set(SHRUNK).where(eq(agents.id, id)).run();
        kept.facts.forget(id);
        kept.targets.forget(id);
      }
      return old.length;
    },
  };
}

/** A tombstone without what it said of itself. */
const SHRUNK: Partial<AgentRow> = {
  ...{ name: "", label: null, role: null, description: null, skills: [], tags: [], capabilities: [] },
  ...{ machine: null, rig: null, instanceId: null, channel: null, meta: null, ackedAt: null },
};

function conditions(filter: AgentFilter): SQL[] {
  const where: SQL[] = [];
  if (filter.ids) where.push(inIds(agents.id, filter.ids));
  if (filter.kind) where.push(sql`${agents.kind} = ${filter.kind}`);
  if (filter.status) where.push(sql`${agents.status} = ${filter.status}`);
  if (filter.label) where.push(eq(agents.label, filter.label));
  if (filter.machine) where.push(eq(agents.machine, filter.machine));
  if (filter.tag) where.push(sql`exists (select 1 from json_each(${agents.tags}) where value = ${filter.tag})`);
  if (filter.capability)
    where.push(sql`exists (select 1 from json_each(${agents.capabilities}) where value = ${filter.capability})`);
  return where;
}
