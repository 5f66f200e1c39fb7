import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { RunRow } from "../runs/row.ts";
import { type Asked, rowOf } from "./draft.ts";
import type { ApprovalLifecycle } from "./lifecycle.ts";
import type { ApprovalRow } from "./row.ts";
import type { ApprovalStore } from "./store.ts";
import { hashOf } from "./subject.ts";
import { optionOf, toApproval } from "./view.ts";

type Own = Asked & { agentId: string; run?: RunRow | undefined; orchestratorId?: string | null };

/** Approvals that the relay itself asks for and applies. */
export function createOwnApprovals(
  { clock, disk, due }: Kernel,
  { store, lifecycle }: { store: ApprovalStore; lifecycle: ApprovalLifecycle },
) {
  return {
    /**
     * Asks, in the name of the agent that it is about. Each is one by itself: what is asked for again in the same run tree
     * is not allowed with it. The end of its run withdraws it.
     */
    async raise(tx: Tx, { agentId, run, orchestratorId = null, ...asked }: Own): Promise<ApprovalRow> {
      disk.checkRoom(JSON.stringify(asked.subject).length, "approvals");
      const hash = hashOf(asked.kind, asked.subject);
      const about = { agentId, run, hash, orchestratorId, project: run?.project ?? null, now: clock.now() };
      const row = { ...rowOf(asked, about), rootRunId: null };
      await store.add(tx, row);
      await store.addAsker(tx, { approvalId: row.id, agentId, runId: run?.id ?? "", sessionId: null });
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

    /** Notes what became of an answer, once. `error`: why what was allowed did not begin. */
    async note(tx: Tx, id: string, error: string | null): Promise<void> {
      const row = await store.byId(tx, id);
      if (row?.state !== "answered" || row.appliedAt !== null) return;
      const appliedError = optionOf(row)?.decision === "allow" ? error : null;
      const applied = { appliedOk: appliedError === null, appliedError, appliedAt: clock.now() };
      await lifecycle.save(tx, { ...row, ...applied }, row);
    },

    /** Refuses one that nobody can answer. */
    refuse: lifecycle.refuse,

    /** Withdraws one that still waits. */
    async withdraw(tx: Tx, id: string, reason: string): Promise<void> {
      const row = await store.byId(tx, id);
      if (row?.state === "pending") await lifecycle.withdraw(tx, row, reason);
    },
    /** Approvals that an agent waits for, without those that let a stranger in. */
    waitingFor: async (on: ReadTx, agentId: string, most: number): Promise<ApprovalRow[]> =>
      (await store.pendingOf(on, agentId, most)).filter(({ kind }) => kind !== "access"),

    /** Number of those that wait for an answer about an agent, `most` at most. */
    waitingOf: async (on: ReadTx, agentId: string, most: number): Promise<number> =>
      (await store.pendingOf(on, agentId, most)).length,
  };
}
