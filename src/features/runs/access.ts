import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller, isPerson, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Delegations } from "../delegations/delegations.ts";
import { tokenOf, turnIdOf } from "./fence.ts";
import type { RunRow, TurnRow } from "./row.ts";
import type { RunStore } from "./store.ts";
import { isRunning } from "./view.ts";

export type RunAccess = ReturnType<typeof createRunAccess>;

/** Most runs above one: depth is bounded, except for runs that serve delegations of other runs. */
const MAX_ABOVE = 32;

/** Access to runs: running them, telling and stopping them, reading them. */
export function createRunAccess(
  { identity, core, delegations }: Areas & { delegations: Delegations },
  store: RunStore,
) {
  const { agents, auth } = identity;
  const { messages } = core;

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<RunRow> {
    return (await store.byId(on, id)) ?? Problem.missing("run", id);
  }

  /** Whether a caller runs what this agent runs. */
  const runsFor = auth.speaksFor;

  /** @throws Problem 403, 409 */
  async function requireRunner(on: ReadTx, caller: Caller, run: RunRow): Promise<void> {
    const actor = actingAs(caller, caller.role === "operator" ? run.agentId : undefined);
    await agents.requireActor(on, caller, actor);
    if (!(await runsFor(on, caller, run.agentId)))
      throw new Problem("forbidden", `${run.agentId} or its orchestrator runs ${run.id}, not ${actor}.`);
  }

  /**
   * The running turn that a runner names by the header `Signalbox-Run`.
   * @throws Problem 403, 404, 409 claim-lost, which changes nothing
   */
  async function requireTurn(on: ReadTx, caller: Caller, id: string, token: string | null): Promise<Running> {
    const run = await require(on, id);
    await requireRunner(on, caller, run);
    const turn = await named(on, run, token);
    if (turn?.id !== run.turnId || !isRunning(run)) throw lost(run, token);
    return { run, turn };
  }

  /** The turn of this run that a token names. @throws Problem 409 claim-lost */
  async function turnOf(on: ReadTx, run: RunRow, token: string | null): Promise<TurnRow> {
    return (await named(on, run, token)) ?? raise(lost(run, token));
  }

  async function named(on: ReadTx, run: RunRow, token: string | null): Promise<TurnRow | undefined> {
    const turnId = turnIdOf(token);
    const turn = turnId === undefined ? undefined : await store.turn(on, turnId);
    return turn?.runId === run.id ? turn : undefined;
  }

  /** Runs above one, nearest first. */
  async function above(on: ReadTx, run: RunRow): Promise<RunRow[]> {
    const found: RunRow[] = [];
    for (let up = run.parentId; up !== null && found.length < MAX_ABOVE; ) {
      const row = await store.byId(on, up);
      if (row) found.push(row);
      up = row?.parentId ?? null;
    }
    return found;
  }

  /** Whether an agent asked for the run, or runs something that it is part of. */
  async function directs(on: ReadTx, agentId: string, run: RunRow): Promise<boolean> {
    if (run.askedBy === agentId || run.requester === agentId) return true;
    const asker = run.requester?.startsWith("run_") ? await store.byId(on, run.requester) : undefined;
    if (asker?.agentId === agentId) return true;
    if ((await above(on, run)).some((up) => up.agentId === agentId)) return true;
    return run.delegationId !== null && (await delegations.askerOf(on, run.delegationId)) === agentId;
  }

  /** Whether the caller reads everything of the run, its thoughts and tools too. @throws Problem 403 for tokens that read nothing */
  async function follows(on: ReadTx, caller: Caller, run: RunRow): Promise<boolean> {
    if (readsAll(caller)) return true;
    return (await runsFor(on, caller, run.agentId)) || directs(on, actingAs(caller), run);
  }

  /** As `follows`, and also the readers of its message. */
  async function mayRead(on: ReadTx, caller: Caller, run: RunRow): Promise<boolean> {
    if (await follows(on, caller, run)) return true;
    const message = run.messageId === null ? undefined : await messages.rows.lineage(on, run.messageId);
    return message !== undefined && messages.access.mayRead(on, actingAs(caller), message);
  }

  return {
    require,
    runsFor,
    requireRunner,
    requireTurn,
    turnOf,
    above,
    mayRead,
    follows,

    /** A run that the caller may read. @throws Problem 403, 404, 409 */
    async requireReadable(on: ReadTx, caller: Caller, id: string): Promise<RunRow> {
      await agents.requireReader(on, caller);
      const run = await require(on, id);
      if (!(await mayRead(on, caller, run))) throw notFor(run, caller);
      return run;
    },

    /** A run whose thoughts and tools the caller may read. @throws Problem 403, 404, 409 */
    async requireFollower(on: ReadTx, caller: Caller, id: string): Promise<RunRow> {
      await agents.requireReader(on, caller);
      const run = await require(on, id);
      if (!(await follows(on, caller, run))) throw notFor(run, caller);
      return run;
    },

    /** A run that the caller may tell and abort. @throws Problem 403, 404, 409 */
    async requireDirector(on: ReadTx, caller: Caller, id: string): Promise<RunRow> {
      const actor = actingAs(caller);
      await agents.requireActor(on, caller, actor);
      const run = await require(on, id);
      if (isPerson(caller) || (await directs(on, actor, run))) return run;
      throw new Problem("forbidden", `${actor} neither asked for ${id} nor runs anything above it.`);
    },
  };
}

/** A run with the turn that its runner works on. */
export interface Running {
  run: RunRow;
  turn: TurnRow;
}

function lost(run: RunRow, token: string | null): Problem {
  if (token === null) return new Problem("claim-lost", `Name the turn of ${run.id} by the header Signalbox-Run.`);
  const now = isRunning(run) ? `its turn is ${tokenOf(run.turnId)}` : `it is ${run.status}`;
  return new Problem("claim-lost", `That turn of ${run.id} has ended, or is of another run; ${now}.`);
}

function raise(problem: Problem): never {
  throw problem;
}

const notFor = (run: RunRow, caller: Caller): Problem =>
  new Problem("forbidden", `Run ${run.id} is not for ${caller.agentId}.`);
