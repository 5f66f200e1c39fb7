import type { Areas } from "../../core/core.ts";
import { orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { RunStatus } from "../../protocol/runs.ts";
import type { Session, SessionChange } from "../../protocol/sessions.ts";
import type { SessionRow } from "./row.ts";
import { sessionStore as store } from "./store.ts";
import type { Tracks } from "./tracks.ts";
import { toChange, toSession, trackOf } from "./view.ts";

/** Whether the process that wrote a session does so no more: it died, released the lease, or lost it to another. */
const hasLostWriter = (row: SessionRow, before: SessionRow): boolean =>
  row.endedAt !== null || (before.leaseUntil !== null && (row.leaseUntil === null || row.fence !== before.fence));

/** Sessions of one agent that are shown at once. */
const MAX_RECENT = 50;
/** Sessions of one orchestrator that are told of at once: all that it may have. */
const MAX_TOLD = 1000;

/** The part of a run that its session shows. */
interface RunOf {
  status: RunStatus;
  sessionId: string | null;
}

export type SessionBook = ReturnType<typeof createSessionBook>;

/** Storing sessions, and telling of their changes. */
export function createSessionBook({ kernel, identity, core }: Areas, tracks: Tracks) {
  const { clock, hooks } = kernel;
  /** A session is new, or what it shows of itself has changed. */
  const changed =
    hooks.event<[change: SessionChange, row: SessionRow, before: SessionRow | undefined]>("sessions.changed");
  const { isHere, isHereIn } = identity.orchestrators;

  /** A session came with evidence. */
  const reported = hooks.event<[session: SessionRow, evidence: Record<string, unknown>]>("sessions.reported");

  async function tell(tx: Tx, row: SessionRow, before: SessionRow | undefined): Promise<void> {
    const isThere = isHereIn(tx);
    const change = toChange(row, isThere);
    // That it was heard of is no change of a session.
    const had = before && { ...toChange(before, isThere), lastEventAt: change.lastEventAt };
    if (!Bun.deepEquals(change, had)) await changed.raise(tx, change, row, before);
  }

  async function save(tx: Tx, next: SessionRow, before: SessionRow): Promise<SessionRow> {
    const isThere = isHereIn(tx);
    const [was, state] = [trackOf(before, isThere), trackOf(next, isThere)];
    const row = state === was ? next : { ...next, since: clock.now() };
    await store.save(tx, row);
    if (state !== was) tracks.note(tx, row, state, was);
    if (hasNewFacets(row, before)) core.facets.note(tx, "session", row.number, threadOf(row), row, before);
    if (hasLostWriter(row, before)) await identity.auth.revokeAllOfSession(tx, row.id);
    await tell(tx, row, before);
    return row;
  }

  return {
    changed,
    reported,
    byId: store.byId,
    /** `tx`: the write that it was changed in, whose commit may say first that the machine is here. */
    show: (row: SessionRow, tx?: Tx): Session => toSession(row, tx ? isHereIn(tx) : isHere, clock.now()),
    /** Sessions of an agent: live ones, oldest first, and those that ended since a time, newest first. */
    async recentOf(on: ReadTx, agentId: string, since: number): Promise<{ live: Session[]; ended: Session[] }> {
      const show = (row: SessionRow) => toSession(row, isHere, clock.now());
      const live = await store.liveOf(on, agentId, MAX_RECENT);
      const dead = await store.page(on, { agent: agentId, live: "false" }, [], undefined, MAX_RECENT);
      return { live: live.map(show), ended: dead.filter(({ endedAt }) => (endedAt ?? 0) >= since).map(show) };
    },
    async add(tx: Tx, draft: Omit<SessionRow, "number">): Promise<SessionRow> {
      const row = await store.add(tx, draft);
      tracks.note(tx, row, trackOf(row, isHereIn(tx)), null);
      core.facets.note(tx, "session", row.number, threadOf(row), row);
      await tell(tx, row, undefined);
      return row;
    },
    save,
    /** Tells of the sessions of an orchestrator that is heard of again, or no more: they are away meanwhile. */
    async followOrchestrator(tx: Tx, orchestratorId: string, isThere: boolean): Promise<void> {
      const [was, is] = [() => !isThere, () => isThere];
      const since = clock.now();
      const pause = createPauses();
      for (const before of await store.liveUnder(tx, orchestratorId, MAX_TOLD)) {
        await pause();
        const row = { ...before, since };
        store.setSince(tx, row, since);
        tracks.note(tx, row, trackOf(row, is), trackOf(row, was));
        await changed.raise(tx, toChange(row, is), row, row);
      }
    },
    /** A run of a session begins, or ends, to wait for runs that it asked for. */
    async followRun(tx: Tx, _: unknown, run: RunOf, before: RunOf | undefined): Promise<void> {
      const more = Number(run.status === "waiting") - Number(before?.status === "waiting");
      const row = more === 0 || run.sessionId === null ? undefined : await store.byId(tx, run.sessionId);
      if (row) await save(tx, { ...row, waits: Math.max(0, row.waits + more) }, row);
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

/** Thread that a session's person talks to it in. */
const threadOf = ({ place }: SessionRow): number | null =>
  place !== null && typeof place === "object" && "threadId" in place ? place.threadId : null;

/** Whether lists find it by other facets than before. */
const hasNewFacets = ({ project, tags, links, place }: SessionRow, before: SessionRow): boolean =>
  !Bun.deepEquals([project, tags, links, place], [before.project, before.tags, before.links, before.place]);
