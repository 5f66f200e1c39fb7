import type { RunRow, TurnRow } from "../../features/runs/row.ts";
import type { RunEnding } from "../../features/runs/settle.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { RunChange } from "../../protocol/runs.ts";
import type { Delivery } from "./delivery.ts";
import type { AnnouncementRow } from "./row.ts";
import type { AnnouncementStore } from "./store.ts";

/** Announcements of ended runs, made in the write that ends them. */
export function createAnnouncer({ clock }: Pick<Kernel, "clock">, store: AnnouncementStore, delivery: Delivery) {
  async function begin(tx: Tx, run: RunRow, turnId: string, late = false): Promise<AnnouncementRow | undefined> {
    const { requester, requesterJson } = run;
    if (requester === null || requesterJson === null) return undefined;
    const now = clock.now();
    return delivery.add(tx, {
      ...{ id: newId("ann", now), runId: run.id, turnId, agentId: run.agentId, requester, requesterJson },
      ...{ target: null, route: null, state: "waiting", reason: null, late, messageId: null },
      ...{ externalIds: "[]", createdAt: now, endedAt: null, person: null },
    });
  }

  /** A later result takes the place of an earlier one that nobody has been handed. */
  async function supersede(tx: Tx, earlier: readonly AnnouncementRow[]): Promise<void> {
    for (const row of earlier)
      if (row.state !== "sent" || !(await delivery.isHandedOver(tx, row)))
        await delivery.dismiss(tx, row, "superseded");
  }

  return {
    /** A run ended, or its result came late. It never refuses the write. */
    async announce(tx: Tx, run: RunRow, turn: TurnRow, { late, replyId }: RunEnding): Promise<void> {
      const pending = await store.pendingOf(tx, run.id);
      const waiting = pending.find(({ state, turnId }) => state === "waiting" && turnId === turn.id);
      const row = waiting ?? (await begin(tx, run, turn.id, late));
      if (!row) return;
      if (run.outcome === "aborted") await delivery.end(tx, row, { state: "dismissed", reason: "aborted" });
      else if (run.silent && run.outcome === "ok") await delivery.end(tx, row, { state: "silent" });
      else {
        await supersede(
          tx,
          pending.filter(({ id }) => id !== row.id),
        );
        await delivery.send(tx, row, run, replyId);
      }
    },

    /** Somebody who may stop the run wants its result no more: what was not acknowledged is dismissed. */
    async dropOf(tx: Tx, run: RunRow): Promise<void> {
      for (const row of await store.pendingOf(tx, run.id)) await delivery.dismiss(tx, row, "aborted");
    },

    /** A run waits for the runs that it asked for, or goes on with a new turn. */
    async followRun(tx: Tx, _: RunChange, run: RunRow, before: RunRow | undefined): Promise<void> {
      if (run.requester === null || run.status === before?.status) return;
      if (run.status === "waiting") {
        const row = await begin(tx, run, run.turnId);
        if (row) await delivery.tell(tx, row, undefined, run);
      } else if (before?.status === "waiting" && run.turnId !== before.turnId)
        for (const row of await store.pendingOf(tx, run.id))
          if (row.state === "waiting") await delivery.end(tx, row, { state: "dismissed", reason: "superseded" });
    },
  };
}
