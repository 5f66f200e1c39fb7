import type { RunRow, TurnRow } from "../../features/runs/row.ts";
import type { RunEnding } from "../../features/runs/settle.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { RunChange, RunRequester } from "../../protocol/runs.ts";
import type { RunBook } from "./book.ts";
import type { Delivery } from "./delivery.ts";
import type { AnnouncementRow } from "./row.ts";
import type { AnnouncementStore } from "./store.ts";

const NO_RESULT = { result: null, resultFiles: null, resultFileId: null, resultCut: false };

/** Announcements of ended runs, made in the write that ends them. */
export function createAnnouncer(
  { clock }: Pick<Kernel, "clock">,
  { store, delivery, book }: { store: AnnouncementStore; delivery: Delivery; book: RunBook },
) {
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

  /** Whether the requester knows of an abort: it asked for that, or was stopped with its run. */
  async function knows(on: ReadTx, { requesterJson }: RunRow, by: string | null): Promise<boolean> {
    if (by === null || requesterJson === null) return false;
    const requester: RunRequester = JSON.parse(requesterJson);
    if ("agentId" in requester) return requester.agentId === by;
    if (!("runId" in requester)) return false;
    const asker = await book.byId(on, requester.runId);
    return asker?.agentId === by || asker?.status === "stopping" || asker?.outcome === "aborted";
  }

  return {
    /** A run ended, or its result came late. It never refuses the write. */
    async announce(tx: Tx, run: RunRow, turn: TurnRow, { late, replyId }: RunEnding): Promise<void> {
      const pending = await store.pendingOf(tx, run.id);
      const waiting = pending.find(({ state, turnId }) => state === "waiting" && turnId === turn.id);
      const row = waiting ?? (await begin(tx, run, turn.id, late));
      if (!row) return;
      if (run.outcome === "aborted" && (await knows(tx, run, run.abortedBy)))
        await delivery.end(tx, row, { state: "dismissed", reason: "aborted" });
      else if (run.silent && run.outcome === "ok") await delivery.end(tx, row, { state: "silent" });
      else {
        await supersede(
          tx,
          pending.filter(({ id }) => id !== row.id),
        );
        await delivery.send(tx, row, run, { replyId });
      }
    },

    /**
     * Somebody who may stop the run wants its result no more: what was not acknowledged is dismissed. A requester that did not ask
     * for that hears of an aborted run instead.
     */
    async dropOf(tx: Tx, run: RunRow, by: string, reason: string | null): Promise<void> {
      const isKnown = await knows(tx, run, by);
      // A pending row may be the word of the first abort.
      const pending = isKnown || run.abortedBy === null ? await store.pendingOf(tx, run.id) : [];
      for (const row of pending) await delivery.dismiss(tx, row, "aborted");
      if (pending.length === 0 || isKnown) return;
      const row = await begin(tx, run, run.turnId);
      const ended = { outcome: "aborted" as const, error: reason ?? "Its result was withdrawn.", errorCode: null };
      if (row) await delivery.send(tx, row, { ...run, ...ended, ...NO_RESULT });
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
