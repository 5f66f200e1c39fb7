import type { Areas } from "../../core/core.ts";
import { orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Session, SessionChange } from "../../protocol/sessions.ts";
import type { SessionRow } from "./row.ts";
import { sessionStore as store } from "./store.ts";
import { toChange, toSession } from "./view.ts";

/** Whether the process that wrote a session does so no more: it died, released the lease, or lost it to another. */
const hasLostWriter = (row: SessionRow, before: SessionRow): boolean =>
  row.endedAt !== null || (before.leaseUntil !== null && (row.leaseUntil === null || row.fence !== before.fence));

/** Sessions of one agent that are shown at once. */
const MAX_RECENT = 50;
/** Sessions of one orchestrator that are told of at once: all that it may have. */
const MAX_TOLD = 1000;

export type SessionBook = ReturnType<typeof createSessionBook>;

/** Storing sessions, and telling of their changes. */
export function createSessionBook({ kernel, identity }: Areas) {
  const { clock, hooks } = kernel;
  /** A session is new, or what it shows of itself has changed. */
  const changed =
    hooks.event<[change: SessionChange, row: SessionRow, before: SessionRow | undefined]>("sessions.changed");
  const isHere = identity.orchestrators.isHere;

  /** A session came with evidence. */
  const reported = hooks.event<[session: SessionRow, evidence: Record<string, unknown>]>("sessions.reported");

  async function tell(tx: Tx, row: SessionRow, before: SessionRow | undefined): Promise<void> {
    const change = toChange(row, isHere);
    // That it was heard of is no change of a session.
    const had = before && { ...toChange(before, isHere), lastEventAt: change.lastEventAt };
    if (!Bun.deepEquals(change, had)) await changed.raise(tx, change, row, before);
  }

  return {
    changed,
    reported,
    byId: store.byId,
    show: (row: SessionRow): Session => toSession(row, isHere, clock.now()),
    /** Sessions of an agent: live ones, oldest first, and those that ended since a time, newest first. */
    async recentOf(on: ReadTx, agentId: string, since: number): Promise<{ live: Session[]; ended: Session[] }> {
      const show = (row: SessionRow) => toSession(row, isHere, clock.now());
      const live = await store.liveOf(on, agentId, MAX_RECENT);
      const dead = await store.page(on, { agent: agentId, live: "false" }, [], undefined, MAX_RECENT);
      return { live: live.map(show), ended: dead.filter(({ endedAt }) => (endedAt ?? 0) >= since).map(show) };
    },
    async add(tx: Tx, draft: Omit<SessionRow, "number">): Promise<SessionRow> {
      const row = await store.add(tx, draft);
      await tell(tx, row, undefined);
      return row;
    },
    async save(tx: Tx, row: SessionRow, before: SessionRow): Promise<SessionRow> {
      await store.save(tx, row);
      if (hasLostWriter(row, before)) await identity.auth.revokeAllOfSession(tx, row.id);
      await tell(tx, row, before);
      return row;
    },
    /** Tells of the sessions of an orchestrator that is heard of again, or no more: they are away meanwhile. */
    async followOrchestrator(tx: Tx, orchestratorId: string, isThere: boolean): Promise<void> {
      const pause = createPauses();
      for (const row of await store.liveUnder(tx, orchestratorId, MAX_TOLD)) {
        await pause();
        await changed.raise(
          tx,
          toChange(row, () => isThere),
          row,
          row,
        );
      }
    },
    /** As `isOf`, of a live session that an orchestrator's agent runs; any when that is null. */
    async isLiveOf(on: ReadTx, id: string, agentId: string, orchestrator: string | null): Promise<true | undefined> {
      const row = await store.byId(on, id);
      const isTheirs = orchestrator === null || row?.orchestratorId === orchestratorIdOf(orchestrator);
      return row?.agentId === agentId && row.endedAt === null && isTheirs ? true : undefined;
    },
    /** Whether an agent has this session. */
    isOf: async (on: ReadTx, id: string, agentId: string): Promise<boolean> =>
      (await store.byId(on, id))?.agentId === agentId,
  };
}
