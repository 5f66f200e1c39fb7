import { actingAs, type Caller, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { Bulk, BulkState, ParsedBulk } from "../../protocol/bulk.ts";
import { Problem } from "../../protocol/problem.ts";
import type { List } from "../../protocol/wire.ts";
import type { createKinds, Ground } from "./kinds.ts";
import { type BulkSteps, shown } from "./steps.ts";
import { type BulkRow, bulkStore as store } from "./store.ts";

/** Bulk actions that run at a time. */
const MAX_RUNNING = 16;

export type BulkService = ReturnType<typeof createBulkService>;

/** The verbs of bulk actions: beginning, stopping, reading. */
export function createBulkService(
  { kernel, identity }: Ground,
  { kinds, steps }: { kinds: ReturnType<typeof createKinds>; steps: BulkSteps },
) {
  const { clock, headOf, idempotency } = kernel;
  const { activity } = identity;

  /** @throws Problem 404 */
  const require = async (on: ReadTx, id: string): Promise<BulkRow> =>
    (await store.byId(on, id)) ?? Problem.missing("bulk action", id);

  /** @throws Problem 403 */
  function requireReader(caller: Caller): void {
    if (!readsAll(caller)) throw new Problem("forbidden", "People alone see bulk actions.");
  }

  async function begin(tx: Tx, caller: Caller, draft: ParsedBulk): Promise<BulkRow> {
    const kind = kinds[draft.action];
    const filter = kind.settle?.(tx, draft) ?? draft.filter;
    if ((await store.countRunning(tx)) >= MAX_RUNNING)
      throw new Problem(
        "budget-exceeded",
        `${MAX_RUNNING} bulk actions run, the most there may be. Stop one, or wait.`,
      );
    const now = clock.now();
    const [id, action] = [newId("blk", now), draft.action];
    const decision = draft.action === "answer" ? draft.decision : null;
    await activity.record(tx, caller, "bulk.begun", id, { action, filter, decision });
    return steps.begin(tx, {
      ...{ id, action, filter, decision },
      ...{ state: "counting", place: 0, upTo: kind.newest(tx), head: headOf(tx) },
      ...{ matched: 0, done: 0, failed: 0, failures: [], reason: null },
      ...{ tokenId: caller.tokenId, person: caller.personId, createdAt: now, endedAt: null },
    });
  }

  return {
    /** `POST /v1/bulk`. @throws Problem 403, 409, 422 */
    async create(tx: Tx, caller: Caller, draft: ParsedBulk, key: string | undefined) {
      kinds[draft.action].require(caller);
      return idempotency.once<Bulk>(tx, {
        ...{ sender: actingAs(caller), key, operation: "bulk", asked: draft },
        async make() {
          const row = await begin(tx, caller, draft);
          return { subject: row.id, made: shown(row) };
        },
        async again(subject) {
          const row = await store.byId(tx, subject);
          return row && shown(row);
        },
      });
    },

    /** `POST .../stop`: a repeat changes nothing. @throws Problem 403, 404, 409 */
    async stop(tx: Tx, caller: Caller, id: string): Promise<Bulk> {
      requireReader(caller);
      const row = await require(tx, id);
      kinds[row.action].require(caller);
      if (row.state === "done") throw new Problem("not-open", `${id} is done: there is nothing to stop.`);
      return shown(row.state === "stopped" ? row : await steps.stop(tx, row, caller));
    },

    /** `GET /v1/bulk/{id}`. @throws Problem 403, 404 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Bulk> {
      requireReader(caller);
      return shown(await require(on, id));
    },

    /** `GET /v1/bulk`. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller, query: { state?: BulkState | undefined } & PageQuery<string>) {
      requireReader(caller);
      const found: List<Bulk> = await readList(
        query,
        (limit, before) => store.page(on, query.state, before, limit),
        shown,
        ({ id }) => id,
      );
      return found;
    },
  };
}
