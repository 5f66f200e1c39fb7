import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller, isPerson } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { RunAborted } from "../../protocol/runs.ts";
import type { RunAccess } from "./access.ts";
import type { Control } from "./control.ts";
import { CONFIRM_MS } from "./life.ts";
import type { RunRow } from "./row.ts";
import type { RunSettle } from "./settle.ts";
import type { RunStore } from "./store.ts";
import { runLists } from "./store-lists.ts";

/** Live runs of one tree that are looked at. */
const MAX_TREE = 2000;

export type Abort = ReturnType<typeof createAbort>;

interface Parts {
  store: RunStore;
  access: RunAccess;
  control: Control;
  settle: RunSettle;
}

/** Asks runs to stop. Only a running turn has to be waited for. */
export function createAbort({ kernel, identity }: Areas, { store, access, control, settle }: Parts) {
  const { clock, hooks } = kernel;
  const { activity } = identity;

  /** A run that had ended was asked to stop: nobody wants its result any more. */
  const unwanted = hooks.event<[run: RunRow, by: string, reason: string | null]>("runs.unwanted");

  /** Stops a run; one that has ended, or stops already, stays as it is. */
  async function stop(tx: Tx, run: RunRow, { by, reason }: { by: string; reason: string | null }): Promise<RunRow> {
    if (run.status === "ended") {
      await unwanted.raise(tx, run, by, reason);
      if (run.abortedBy === null) await store.save(tx, { ...run, abortedBy: by });
    }
    if (run.status === "ended" || run.status === "stopping") return run;
    if (run.status !== "running")
      return settle.cutShort(tx, { ...run, abortedBy: by }, { outcome: "aborted", confirmed: true, error: reason });
    await settle.dropNext(tx, run, { outcome: "aborted", error: reason });
    const stopping: RunRow = {
      ...{ ...run, status: "stopping", error: reason, confirmed: false, closing: null },
      abortedBy: by,
      dueAt: clock.now() + CONFIRM_MS,
    };
    await control.tell(tx, stopping, { do: "abort", text: reason });
    return settle.save(tx, stopping, run);
  }

  /** Live runs below one, parents before their children. */
  async function liveBelow(on: ReadTx, top: RunRow): Promise<RunRow[]> {
    const found: RunRow[] = [];
    for (const row of await runLists.liveTreeOf(on, top.rootRunId, MAX_TREE))
      if (row.id !== top.id && (await access.above(on, row)).some((up) => up.id === top.id)) found.push(row);
    return found;
  }

  return {
    unwanted,

    /** `POST .../abort`: a repeat changes nothing. @throws Problem 403, 404, 409 */
    async abort(
      tx: Tx,
      caller: Caller,
      id: string,
      { reason = null, cascade }: { reason?: string | null | undefined; cascade: boolean },
    ): Promise<RunAborted> {
      const run = await access.requireDirector(tx, caller, id);
      const how = { by: actingAs(caller), reason };
      const stopped = await stop(tx, run, how);
      const children: RunAborted["children"] = [];
      const pause = createPauses();
      for (const { id: childId } of cascade ? await liveBelow(tx, run) : []) {
        // Stopping one may have ended another.
        const child = await store.byId(tx, childId);
        if (child) children.push({ id: childId, status: (await stop(tx, child, how)).status });
        await pause();
      }
      if (isPerson(caller) && (stopped !== run || children.length > 0))
        await activity.record(tx, caller, "run.aborted", id, { reason, children: children.length });
      return { status: stopped.status, children };
    },
  };
}
