import { AgentCard } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { Seal } from "../../kernel/seal.ts";
import type { OutsideAgent, OutsideDraft } from "../../protocol/a2a.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { DELIVER, REFRESH } from "./kinds.ts";
import { interfaceOf } from "./remote.ts";
import { type ExternalRow, type ExternalStore, MAX_EXTERNAL } from "./store.ts";
import type { WakeUps } from "./wake-ups.ts";

const MAX_COUNTED = 1000;
const RIG = "A2A";

export type ExternalService = ReturnType<typeof createExternalService>;

/** Registers external agents, and shows how the relay reaches them. */
export function createExternalService(areas: Areas, store: ExternalStore, wakeUps: WakeUps, seal: Seal) {
  const { egress, due, clock } = areas.kernel;
  const { agents, directory, activity } = areas.identity;

  async function show(on: ReadTx, caller: Caller, row: ExternalRow): Promise<OutsideAgent> {
    const card = row.card === null ? undefined : AgentCard.fromJSON(JSON.parse(row.card));
    const chosen = card && interfaceOf(card);
    return {
      agentId: row.agentId,
      cardUrl: row.cardUrl,
      state: row.state,
      error: row.error && (caller.role === "operator" ? row.error : withoutAddresses(row.error, row.cardUrl)),
      failingSince: toTimeOrNull(row.failingSince),
      url: chosen?.url ?? null,
      binding: chosen?.protocolBinding ?? null,
      hasToken: row.token !== null,
      open: await store.countOpen(on, row.agentId, MAX_COUNTED),
      checkedAt: toTimeOrNull(row.checkedAt),
      createdAt: toTime(row.createdAt),
    };
  }

  function requireReader(caller: Caller): void {
    if (!readsAll(caller))
      throw new Problem("forbidden", "Only operators, members and viewers see how external A2A agents are reached.");
  }

  /** @throws Problem 403, 404 */
  async function require(on: ReadTx, caller: Caller, id: string): Promise<ExternalRow> {
    requireReader(caller);
    const row = await store.byId(on, id);
    if (!row) throw new Problem("not-found", `${id} is no external A2A agent.`);
    return row;
  }

  /** Refuses an id of an agent of this relay; restores a deleted external agent. @throws Problem 403, 409, 422 */
  async function register(tx: Tx, caller: Caller, id: string, draft: OutsideDraft, before: ExternalRow | undefined) {
    const known = await directory.byId(tx, id);
    if (!before && known?.deletedAt === null && known.rig !== RIG)
      throw new Problem("conflict", `${id} is the name of an agent of this relay.`);
    if (!before && store.ids(tx).length >= MAX_EXTERNAL)
      throw new Problem("conflict", `Limit reached: ${MAX_EXTERNAL} external A2A agents. Delete one first.`);
    if (before && draft.name === undefined) return;
    const said = {
      name: draft.name ?? id,
      ...(!before && { kind: "provider" as const, rig: RIG, reach: "idle" as const, status: "offline" as const }),
    };
    await agents.register(tx, caller, id, said, (tombstone) => tombstone.rig === RIG);
  }

  return {
    /** `PUT /v1/a2a/agents/{id}`: the card is fetched after the write. @throws Problem 403, 409, 422 */
    async put(tx: Tx, caller: Caller, id: string, draft: OutsideDraft) {
      requireOperator(caller);
      egress.requireAllowed(draft.cardUrl, "/cardUrl");
      const before = await store.byId(tx, id);
      await register(tx, caller, id, draft, before);
      const isSame = before?.cardUrl === draft.cardUrl;
      const kept = { token: before?.token ?? null, createdAt: before?.createdAt ?? clock.now() };
      const token = draft.token === undefined ? kept.token : draft.token && seal.close(draft.token, id);
      const fresh = { card: null, etag: null, state: "pending" as const, error: null, failures: 0, failingSince: null };
      const known = before && isSame ? before : { ...fresh, checkedAt: null, toldOf: null };
      const row: ExternalRow = { ...known, ...kept, agentId: id, cardUrl: draft.cardUrl, token: token || null };
      await store.put(tx, row);
      await due.schedule(tx, REFRESH, id, clock.now());
      await due.hurry(tx, DELIVER, id, clock.now());
      const { cardUrl } = draft;
      await activity.record(tx, caller, "a2a.agent-put", id, { cardUrl, hasToken: row.token !== null });
      wakeUps.noteExternal(tx, id);
      return { row: await show(tx, caller, row), created: !before };
    },

    /** `POST .../refresh`: fetches the card now, and tries waiting messages. */
    async refresh(tx: Tx, caller: Caller, id: string): Promise<OutsideAgent> {
      requireOperator(caller);
      const row = await require(tx, caller, id);
      await due.schedule(tx, REFRESH, id, clock.now());
      await due.hurry(tx, DELIVER, id, clock.now());
      return show(tx, caller, row);
    },

    get: async (on: ReadTx, caller: Caller, id: string): Promise<OutsideAgent> =>
      show(on, caller, await require(on, caller, id)),

    async list(on: ReadTx, caller: Caller, query: PageQuery<string>): Promise<List<OutsideAgent>> {
      requireReader(caller);
      const read = (count: number, after: string | undefined) => store.page(on, after, count);
      const shown = (row: ExternalRow) => show(on, caller, row);
      return readList(query, read, shown, ({ agentId }) => agentId);
    },
  };
}
