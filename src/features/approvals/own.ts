import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ApprovalLifecycle } from "./lifecycle.ts";
import type { ApprovalRow } from "./row.ts";
import { type Asked, rowOf } from "./service.ts";
import type { ApprovalStore } from "./store.ts";
import { hashOf } from "./subject.ts";
import { toApproval } from "./view.ts";

/** Approvals that the relay itself asks for and applies. */
export function createOwnApprovals(
  { clock, disk, due }: Kernel,
  { store, lifecycle }: { store: ApprovalStore; lifecycle: ApprovalLifecycle },
) {
  return {
    /** Asks, in the name of the agent that it is about. */
    async raise(tx: Tx, { agentId, ...asked }: Asked & { agentId: string }): Promise<ApprovalRow> {
      disk.checkRoom(JSON.stringify(asked.subject).length, "approvals");
      const hash = hashOf(asked.kind, asked.subject);
      const row = rowOf(asked, { agentId, run: undefined, hash, orchestratorId: null, now: clock.now() });
      await store.add(tx, row);
      await store.addAsker(tx, { approvalId: row.id, agentId, runId: "", sessionId: null });
      tx.afterCommit(() => due.notice(row.expiresAt));
      await lifecycle.changed.raise(tx, toApproval(row), row, undefined);
      return row;
    },

    /** Notes that the answer was taken, or why not. */
    async applied(
      tx: Tx,
      row: ApprovalRow,
      { ok, error = null }: { ok: boolean; error?: string | null },
    ): Promise<void> {
      await lifecycle.save(tx, { ...row, appliedOk: ok, appliedError: error, appliedAt: clock.now() }, row);
    },

    /** Number of those that wait for an answer about an agent, `most` at most. */
    waitingOf: async (on: ReadTx, agentId: string, most: number): Promise<number> =>
      (await store.pendingOf(on, agentId, most)).length,
  };
}
