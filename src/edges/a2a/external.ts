import { AgentCard } from "@a2a-js/sdk";
import type { Areas } from "../../core/core.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { readPage } from "../../kernel/pages.ts";
import type { OutsideAgent, OutsideDraft } from "../../protocol/a2a.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { type Bells, MAX_OUTSIDE } from "./bells.ts";
import { DELIVER, REFRESH } from "./kinds.ts";
import { interfaceOf } from "./remote.ts";
import type { Seal } from "./seal.ts";
import type { OutsideRow, OutsideStore } from "./store.ts";

interface Means {
  bells: Bells;
  seal: Seal;
}

const MAX_COUNTED = 1000;
const RIG = "A2A";

export type OutsideService = ReturnType<typeof createOutsideService>;

/** Agents of other machines: registering them, and showing how they are reached. */
export function createOutsideService({ kernel, identity }: Areas, store: OutsideStore, { bells, seal }: Means) {
  const { egress, due, clock } = kernel;
  const { agents, directory, activity } = identity;

  async function show(on: Reading, caller: Caller, row: OutsideRow): Promise<OutsideAgent> {
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

  /** @throws Problem 403, 404 */
  async function require(on: Reading, caller: Caller, id: string): Promise<OutsideRow> {
    if (!readsAll(caller))
      throw new Problem("forbidden", "Only operators and viewers see how A2A agents of other machines are reached.");
    const row = await store.byId(on, id);
    if (!row) throw new Problem("not-found", `${id} is no A2A agent of another machine.`);
    return row;
  }

  /** Refuses an id of an agent of this relay; a deleted outside agent is restored. @throws Problem 403, 409, 422 */
  async function register(tx: Tx, caller: Caller, id: string, draft: OutsideDraft, before: OutsideRow | undefined) {
    const known = await directory.byId(tx, id);
    if (!before && known?.deletedAt === null && known.rig !== RIG)
      throw new Problem("conflict", `${id} is the name of an agent that is here.`);
    if (!before && (await store.ids(tx, MAX_OUTSIDE)).length >= MAX_OUTSIDE)
      throw new Problem("conflict", `Limit reached: ${MAX_OUTSIDE} A2A agents of other machines. Delete one first.`);
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
      const row: OutsideRow = { ...known, ...kept, agentId: id, cardUrl: draft.cardUrl, token: token || null };
      await store.put(tx, row);
      await due.schedule(tx, REFRESH, id, clock.now());
      await due.hurry(tx, DELIVER, id, clock.now());
      const { cardUrl } = draft;
      await activity.record(tx, caller, "a2a.agent-put", id, { cardUrl, hasToken: row.token !== null });
      bells.noteOutside(tx, id);
      return { outside: await show(tx, caller, row), created: !before };
    },

    /** `POST .../refresh`: fetches the card now, and tries waiting messages. */
    async refresh(tx: Tx, caller: Caller, id: string): Promise<OutsideAgent> {
      requireOperator(caller);
      const row = await require(tx, caller, id);
      await due.schedule(tx, REFRESH, id, clock.now());
      await due.hurry(tx, DELIVER, id, clock.now());
      return show(tx, caller, row);
    },

    get: async (on: Reading, caller: Caller, id: string): Promise<OutsideAgent> =>
      show(on, caller, await require(on, caller, id)),

    async list(on: Reading, caller: Caller, page: string | undefined, limit: number): Promise<List<OutsideAgent>> {
      if (!readsAll(caller))
        throw new Problem("forbidden", "Only operators and viewers see how A2A agents of other machines are reached.");
      const { items, more } = await readPage(
        limit,
        (count, last: OutsideRow | undefined) => store.page(on, last?.agentId ?? page, count),
        (row) => show(on, caller, row),
      );
      return { items, nextPage: more ? (items.at(-1)?.agentId ?? null) : null };
    },
  };
}
