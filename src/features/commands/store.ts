import { and, eq, lt, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome } from "../../kernel/db/delete-some.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { commands } from "./tables.ts";

export type CommandRow = typeof commands.$inferSelect;

/** Commands come at the pace of people and spawns: nothing here is prepared. */
export const commandStore = {
  add: async (tx: Tx, row: CommandRow): Promise<void> => {
    tx.db.insert(commands).values(row).run();
  },
  byDelegation: async (on: ReadTx, id: string): Promise<CommandRow | undefined> =>
    readRows(on, commands, eq(commands.delegationId, id))[0],
  byApproval: async (on: ReadTx, id: string): Promise<CommandRow | undefined> =>
    readRows(on, commands, and(eq(commands.approvalId, id), sql`approval_id is not null`))[0],
  end: async (tx: Tx, row: Pick<CommandRow, "delegationId" | "endedAt" | "sessionId">): Promise<void> => {
    const { delegationId, endedAt, sessionId } = row;
    tx.db.update(commands).set({ endedAt, sessionId }).where(eq(commands.delegationId, delegationId)).run();
  },
  /** Whether an agent's spawn began a session there. */
  hasSpawned: async (on: ReadTx, agentId: string, orchestratorId: string, sessionId: string): Promise<boolean> =>
    readRows(
      on,
      commands,
      and(
        ...[eq(commands.sessionId, sessionId), sql`session_id is not null`, eq(commands.do, "spawn")],
        ...[eq(commands.agentId, agentId), eq(commands.orchestratorId, orchestratorId)],
      ),
      { limit: 1 },
    ).length > 0,
  /** Spawns that a run asked for and that have not begun. */
  openSpawnsOf: async (on: ReadTx, runId: string): Promise<number> =>
    readRows(
      on,
      commands,
      and(eq(commands.runId, runId), sql`run_id is not null and ended_at is null`, eq(commands.do, "spawn")),
    ).length,
  /** Deletes some that ended before a time; answers their number. */
  forget: (tx: Tx, before: number, limit: number): Promise<number> =>
    Promise.resolve(deleteSome(tx, commands, and(sql`ended_at is not null`, lt(commands.endedAt, before)), limit)),
};
