import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller, isPerson } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { Hold, HoldScope, ParsedHold } from "../../protocol/holds.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { Commands } from "../commands/commands.ts";
import type { Delegations } from "../delegations/delegations.ts";
import { isOpen } from "../delegations/outcomes.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Lifting } from "./lifting.ts";
import type { Scopes } from "./scope.ts";
import { type HeldSession, type HoldRow, holdStore as store } from "./store.ts";

/** Live sessions of one orchestrator that a hold stops. */
const MAX_SESSIONS = 1000;
/** Time in which a daemon that is away may still hear of a hold. */
const HOLD_SECONDS = 7 * 86_400;

export type Ground = Areas & { commands: Commands; delegations: Delegations; sessions: Sessions };
interface Parts {
  scopes: Scopes;
  lifting: Lifting;
  /** Tells watchers of a hold. */
  show(tx: Tx, id: string): void;
}

export type HoldService = ReturnType<typeof createHoldService>;

/** The verbs of holds: making, lifting, reading. */
export function createHoldService(ground: Ground, { scopes, lifting, show: tell }: Parts) {
  const { kernel, identity, commands, delegations, sessions } = ground;
  const { clock, idempotency } = kernel;
  const { activity, agents, orchestrators } = identity;

  /** @throws Problem 404 */
  const require = async (on: ReadTx, id: string): Promise<HoldRow> =>
    (await store.byId(on, id)) ?? Problem.missing("hold", id);

  function requirePerson(caller: Caller): void {
    if (!isPerson(caller)) throw new Problem("forbidden", "People hold, and lift: operators and members.");
  }

  async function show(on: ReadTx, row: HoldRow): Promise<Hold> {
    const { id, scope, mode, reason, person, by } = row;
    return {
      ...{ id, scope, mode, reason, person, by },
      sessions: (await store.sessions(on, id)).map((session) => ({
        ...{ sessionId: session.sessionId, agentId: session.agentId, orchestratorId: session.orchestratorId },
        seen: session.seen === "told" && !orchestrators.isHere(session.orchestratorId) ? "away" : session.seen,
        ...{ detail: session.detail, at: toTimeOrNull(session.at) },
      })),
      ...{ createdAt: toTime(row.createdAt), liftedAt: toTimeOrNull(row.liftedAt) },
    };
  }

  /** Tells the daemon of each orchestrator with live sessions in the scope. */
  async function stopAll(tx: Tx, hold: HoldRow): Promise<void> {
    for (const orchestratorId of await boxesOf(tx, hold.scope)) {
      const live = await sessions.liveUnder(tx, orchestratorId, MAX_SESSIONS);
      const held: SessionRow[] = [];
      for (const session of live) if (await scopes.includes(tx, hold.scope, session)) held.push(session);
      if (held.length > 0) await stop(tx, hold, orchestratorId, held);
    }
  }

  const boxesOf = async (on: ReadTx, scope: HoldScope): Promise<readonly string[]> =>
    scope !== "all" && "orchestratorId" in scope ? [scope.orchestratorId] : orchestrators.ids(on);

  async function stop(tx: Tx, { id: holdId, mode }: HoldRow, orchestratorId: string, held: readonly SessionRow[]) {
    const sessionIds = held.map(({ id }) => id);
    const command = { do: "hold" as const, holdId, mode, sessionIds };
    const told = await commands.byRelay(tx, orchestratorId, command, HOLD_SECONDS);
    if (!told) return;
    await store.addSessions(
      tx,
      held.map(
        ({ id: sessionId, agentId, number }): HeldSession => ({
          ...{ holdId, sessionId, agentId, orchestratorId, number, delegationId: told.id },
          ...{ seen: "told", detail: null, at: null, resumed: false },
        }),
      ),
    );
  }

  async function make(tx: Tx, caller: Caller, { scope, mode, reason }: ParsedHold): Promise<HoldRow> {
    if (reason.trim() === "") throw Problem.invalid("/reason", "is empty: whoever is refused reads it");
    if (scope !== "all" && "orchestratorId" in scope && !(await orchestrators.find(tx, scope.orchestratorId)))
      throw Problem.invalid("/scope/orchestratorId", `there is no orchestrator ${scope.orchestratorId}`);
    const now = clock.now();
    const row: HoldRow = {
      ...{ id: newId("hld", now), scope, mode, reason, person: caller.personId, by: actingAs(caller) },
      ...{ createdAt: now, liftedAt: null, liftedPerson: null },
    };
    await store.add(tx, row);
    scopes.noteNew();
    await stopAll(tx, row);
    tell(tx, row.id);
    await activity.record(tx, caller, "hold.made", row.id, { scope, mode, reason });
    return row;
  }

  return {
    /** `POST /v1/holds`. @throws Problem 403, 422 */
    async create(tx: Tx, caller: Caller, body: ParsedHold, key: string | undefined) {
      requirePerson(caller);
      return idempotency.once<Hold>(tx, {
        ...{ sender: actingAs(caller), key, operation: "hold", asked: body },
        async make() {
          const row = await make(tx, caller, body);
          return { subject: row.id, made: await show(tx, row) };
        },
        async again(subject) {
          const row = await store.byId(tx, subject);
          return row && show(tx, row);
        },
      });
    },

    /** `DELETE /v1/holds/{id}`: its work begins again in steps. A repeat changes nothing. @throws Problem 403, 404 */
    async lift(tx: Tx, caller: Caller, id: string): Promise<Hold> {
      requirePerson(caller);
      const before = await require(tx, id);
      if (before.liftedAt !== null) return show(tx, before);
      const row: HoldRow = { ...before, liftedAt: clock.now(), liftedPerson: caller.personId };
      await store.lift(tx, row);
      await scopes.noteLifted(tx);
      for (const delegationId of new Set((await store.sessions(tx, id)).map((session) => session.delegationId))) {
        const told = await delegations.store.byId(tx, delegationId);
        if (told && isOpen(told)) await delegations.cancel(tx, told, `${id} was lifted`);
      }
      await lifting.begin(tx, id);
      tell(tx, id);
      await activity.record(tx, caller, "hold.lifted", id, {});
      return show(tx, row);
    },

    /** @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Hold> {
      await agents.requireReader(on, caller);
      return show(on, await require(on, id));
    },

    /** Newest first, for everybody who reads: whoever is refused may see why. @throws Problem 403, 409 */
    async list(
      on: ReadTx,
      caller: Caller,
      query: { lifted?: "true" | "false" | undefined } & PageQuery<string>,
    ): Promise<List<Hold>> {
      await agents.requireReader(on, caller);
      const lifted = query.lifted === undefined ? undefined : query.lifted === "true";
      return readList(
        query,
        (count, before) => store.page(on, lifted, before, count),
        (row) => show(on, row),
        ({ id }) => id,
      );
    },
  };
}
