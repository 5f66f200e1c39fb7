import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import type { Access } from "../messages/access.ts";
import { type LogEntry, toLogEntry } from "../messages/entry.ts";
import type { WorkRow } from "./row.ts";
import { tokenOf } from "./token.ts";

/** A message with the state of its work, and the lease for its holder. */
export interface WorkItem {
  entry: LogEntry;
  work: WorkRow;
  lease?: { token: string; attempt: number; expiresAt: number } | undefined;
  /** Further members of the answer, by name. */
  attached?: Record<string, unknown> | undefined;
  /** The parent as JSON, when requested. */
  parent?: string | undefined;
}

export type WorkItems = ReturnType<typeof createWorkItems>;

/** Work as its callers see it. */
export function createWorkItems({ kernel, log, rows }: Base, access: Access) {
  const { hooks } = kernel;
  const { messages: store, work: works } = rows;
  /** Further members of an answer about work: `{ task }`. */
  const extras = hooks.question<[work: WorkRow], Record<string, unknown>>("work.extras");
  /** The entry as its worker has to see it now; the log keeps the original. */
  const restated = hooks.question<[work: WorkRow, entry: LogEntry], LogEntry>("work.restated");

  /** An entry never changes, so the tail's copy is as good as the row. */
  async function entryOf(on: ReadTx, id: number): Promise<LogEntry> {
    return log.entry(id) ?? stored(on, id);
  }

  async function stored(on: ReadTx, id: number): Promise<LogEntry> {
    const row = await store.byId(on, id);
    if (!row) throw new Error(`work ${id} has no message`);
    return toLogEntry(row);
  }

  /** Without the lease token, for callers that no longer hold the lease. */
  async function withoutLease(on: ReadTx, work: WorkRow): Promise<WorkItem> {
    const original = log.entry(work.messageId) ?? (await stored(on, work.messageId));
    // Most work is as it was sent, and belongs to nothing else: only work is waited for.
    const restating = restated.first(on, work, original);
    const item: WorkItem = { entry: (restating && (await restating)) ?? original, work };
    const asked = extras.all(on, work);
    const attached = asked instanceof Promise ? await asked : asked;
    if (attached.length > 0) item.attached = Object.assign({}, ...attached);
    return item;
  }

  async function of(on: ReadTx, work: WorkRow): Promise<WorkItem> {
    const item = await withoutLease(on, work);
    if (work.state === "claimed" && work.dueAt !== null)
      item.lease = { token: tokenOf(work), attempt: work.attempts + 1, expiresAt: work.dueAt };
    return item;
  }

  /** Throws the problem, or the refusal of `GET` for a caller that may not read the message. */
  async function refuse(on: ReadTx, caller: Caller, id: number, problem: Problem): Promise<never> {
    await access.requireReadable(on, caller, id);
    throw problem;
  }

  return {
    entryOf,
    of,
    withoutLease,
    refuse,
    /** The work of a message. @throws Problem 403, 404, 422 */
    async require(on: ReadTx, caller: Caller, id: number): Promise<WorkRow> {
      const work = await works.byId(on, id);
      return work ?? refuse(on, caller, id, new Problem("not-claimable", `Message ${id} is not work.`));
    },
    extras,
    restated,
  };
}
