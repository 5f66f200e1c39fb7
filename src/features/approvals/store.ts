import { and, asc, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { readRows, readValues, type Walk, type Walked, walk } from "../../kernel/db/reads.ts";
import { byTime } from "../../kernel/db/statements.ts";
import type { ApprovalKind, ApprovalState } from "../../protocol/approvals.ts";
import type { ApprovalRow, AskerRow, RuleRow } from "./row.ts";
import { approvalAskers, approvalRules, approvals } from "./tables.ts";

export interface ApprovalFilter {
  state?: ApprovalState | undefined;
  kind?: ApprovalKind | undefined;
  agent?: string | undefined;
  run?: string | undefined;
  project?: string | undefined;
}

/** Approvals that acts on many look for. */
export interface ApprovalWalk extends Omit<ApprovalFilter, "state"> {
  ids?: readonly string[] | undefined;
  /** Of this subject alone. */
  hash?: string | undefined;
}

export type ApprovalStore = ReturnType<typeof createApprovalStore>;

/** In the words of the partial indexes. */
const isPending = sql`state = 'pending'`;
const MAX_VISITED = 20_000;
const newest = sql`id in (select id from approvals order by id desc limit ${sql.raw(String(MAX_VISITED))})`;
const newestIn = (project: string): SQL => sql`id in (
  select id from approvals where project is not null and project = ${project} order by id desc limit ${sql.raw(String(MAX_VISITED))})`;
const askedBy = (column: SQL): SQL => sql`id in (select approval_id from approval_askers where ${column})`;

// Asked at each turn of the timer: built anew they were two fifths of one.
const times = byTime(approvals, "expiresAt", isPending);

/** Approvals are asked for by people's leave, not many a second: nothing else here is prepared. */
export function createApprovalStore() {
  return {
    add: async (tx: Tx, row: ApprovalRow): Promise<void> => {
      tx.db.insert(approvals).values(row).run();
    },
    save: async (tx: Tx, row: ApprovalRow): Promise<void> => {
      tx.db.update(approvals).set(row).where(eq(approvals.id, row.id)).run();
    },
    byId: async (on: ReadTx, id: string): Promise<ApprovalRow | undefined> =>
      on.db.select().from(approvals).where(eq(approvals.id, id)).get(),
    /** The pending one of a run tree for the same subject. */
    inTree: async (on: ReadTx, rootRunId: string, hash: string): Promise<ApprovalRow | undefined> =>
      readRows(
        on,
        approvals,
        and(eq(approvals.rootRunId, rootRunId), eq(approvals.hash, hash), isPending, sql`root_run_id is not null`),
      )[0],
    /** Stores who was asked, and answers the row. */
    noteAsked: async (tx: Tx, row: ApprovalRow): Promise<ApprovalRow> => {
      tx.db.update(approvals).set({ askedOf: row.askedOf }).where(eq(approvals.id, row.id)).run();
      return row;
    },
    /** Pending ones of an agent, at most `limit`. */
    pendingOf: async (on: ReadTx, agentId: string, limit: number): Promise<ApprovalRow[]> =>
      readRows(on, approvals, and(isPending, askedBy(sql`agent_id = ${agentId}`)), { limit }),
    pendingOfRun: async (on: ReadTx, runId: string): Promise<ApprovalRow[]> =>
      readRows(on, approvals, and(isPending, askedBy(sql`run_id = ${runId} and run_id <> ''`))),
    /** Pending ones of kind permission, the first to expire first. */
    pending: async (on: ReadTx, limit: number): Promise<ApprovalRow[]> =>
      readRows(on, approvals, and(isPending, eq(approvals.kind, "permission")), {
        orderBy: asc(approvals.expiresAt),
        limit,
      }),
    /** Pending ones of every kind, of one project where it is named, the first to expire first. */
    allPending: async (on: ReadTx, limit: number, project?: string): Promise<ApprovalRow[]> => {
      const isIn = project === undefined ? undefined : sql`+project = ${project}`;
      return readRows(on, approvals, and(isPending, isIn), { orderBy: asc(approvals.expiresAt), limit });
    },
    earliest: times.earliest,
    ripe: times.ripe,
    /** No pending one expires before a time. */
    postpone: async (tx: Tx, until: number): Promise<void> => {
      tx.db
        .update(approvals)
        .set({ expiresAt: until })
        .where(and(isPending, lt(approvals.expiresAt, until)))
        .run();
    },
    /** Of the runs of one message, oldest first. */
    ofRuns: async (on: ReadTx, runIds: readonly string[], limit: number): Promise<ApprovalRow[]> =>
      runIds.length === 0
        ? []
        : readRows(on, approvals, inIds(approvals.runId, runIds), { orderBy: asc(approvals.id), limit }),

    /** Newest first. By agent and run through who asked; else among the newest 20,000, of its project where one is named. */
    page: async (on: ReadTx, filter: ApprovalFilter, before: string | undefined, limit: number) => {
      const { state, kind, agent, run, project } = filter;
      const isNamed = agent !== undefined || run !== undefined || state === "pending";
      const where = [
        ...(agent === undefined ? [] : [askedBy(sql`agent_id = ${agent}`)]),
        ...(run === undefined ? [] : [askedBy(sql`run_id = ${run} and run_id <> ''`)]),
        ...(state === undefined ? [] : [sql`state = ${state}`]),
        ...(kind === undefined ? [] : [eq(approvals.kind, kind)]),
        ...(before === undefined ? [] : [lt(approvals.id, before)]),
        ...(project === undefined ? [] : [isNamed ? sql`+project = ${project}` : newestIn(project)]),
        ...(isNamed || project !== undefined ? [] : [newest]),
      ];
      return readRows(on, approvals, and(...where), { orderBy: desc(approvals.id), limit });
    },

    /** Pending ones in the order in which they were asked. */
    walk(on: ReadTx, { ids, kind, agent, run, project, hash }: ApprovalWalk, part: Walk): Walked<string> {
      const fits = and(
        kind === undefined ? undefined : eq(approvals.kind, kind),
        hash === undefined ? undefined : sql`+${approvals.hash} = ${hash}`,
        project === undefined ? undefined : sql`+${approvals.project} = ${project}`,
        agent === undefined ? undefined : askedBy(sql`agent_id = ${agent}`),
        run === undefined ? undefined : askedBy(sql`run_id = ${run} and run_id <> ''`),
      );
      const among = and(isPending, ids && inIds(approvals.id, ids));
      return walk(on, { table: approvals, place: approvals.number, id: approvals.id, among, fits }, part);
    },
    /** Place of the newest one in that order; 0 for none. */
    head: (on: ReadTx): number =>
      on.db
        .select({ n: sql<number>`coalesce(max(${approvals.number}), 0)` })
        .from(approvals)
        .get()?.n ?? 0,

    addAsker: async (tx: Tx, row: AskerRow): Promise<void> => {
      tx.db.insert(approvalAskers).values(row).onConflictDoNothing().run();
    },
    askersOf: async (on: ReadTx, approvalId: string): Promise<AskerRow[]> =>
      readRows(on, approvalAskers, eq(approvalAskers.approvalId, approvalId)),
    removeAskers: async (
      tx: Tx,
      approvalId: string,
      by: Partial<Pick<AskerRow, "agentId" | "runId">>,
    ): Promise<void> => {
      const { agentId, runId } = by;
      const where = [
        eq(approvalAskers.approvalId, approvalId),
        ...(agentId === undefined ? [] : [eq(approvalAskers.agentId, agentId)]),
        ...(runId === undefined ? [] : [eq(approvalAskers.runId, runId)]),
      ];
      tx.db
        .delete(approvalAskers)
        .where(and(...where))
        .run();
    },

    rules: async (on: ReadTx): Promise<RuleRow[]> =>
      readRows(on, approvalRules, undefined, { orderBy: asc(approvalRules.position) }),
    rule: async (on: ReadTx, id: string): Promise<RuleRow | undefined> =>
      on.db.select().from(approvalRules).where(eq(approvalRules.id, id)).get(),
    addRule: async (tx: Tx, row: RuleRow): Promise<void> => {
      const moved = { position: sql`${approvalRules.position} + 1` };
      tx.db.update(approvalRules).set(moved).where(gte(approvalRules.position, row.position)).run();
      tx.db.insert(approvalRules).values(row).run();
    },
    removeRule: async (tx: Tx, { id, position }: RuleRow): Promise<void> => {
      tx.db.delete(approvalRules).where(eq(approvalRules.id, id)).run();
      const moved = { position: sql`${approvalRules.position} - 1` };
      tx.db.update(approvalRules).set(moved).where(gte(approvalRules.position, position)).run();
    },

    /** Deletes some that ended before a time, with those who asked. Answers their number. */
    forget: async (tx: Tx, before: number, limit: number): Promise<number> => {
      const old = and(sql`ended_at is not null`, lt(approvals.endedAt, before));
      const ids = readValues(tx, approvals.id, old, { limit });
      if (ids.length === 0) return 0;
      tx.db.delete(approvalAskers).where(inIds(approvalAskers.approvalId, ids)).run();
      tx.db.delete(approvals).where(inIds(approvals.id, ids)).run();
      return ids.length;
    },
  };
}
