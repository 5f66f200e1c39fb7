import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type ConflictRow, conflictStore as store, type TouchRow } from "./store.ts";

/** Two sessions that change one place within this time are in each other's way. */
const TOGETHER_MS = 1_800_000;
/** Places of one report that are looked at. */
const MAX_PLACES = 200;

export type Conflicts = ReturnType<typeof createConflicts>;

/** Two hands in one place: live sessions that change the same path of a repository, or have the same branch out. */
export function createConflicts({ kernel, core, sessions }: Areas & { sessions: Sessions }) {
  const { clock } = kernel;
  const { messages } = core;

  /** A session reported what it changed. */
  async function followReport(tx: Tx, session: SessionRow, evidence: Record<string, unknown>): Promise<void> {
    if (session.endedAt !== null) return;
    const pause = createPauses();
    for (const { repository, place } of placesIn(evidence)) {
      await pause();
      const touch = { repository, place, sessionId: session.id, at: clock.now() };
      await store.touch(tx, touch);
      await meet(tx, session, touch);
    }
  }

  async function meet(tx: Tx, session: SessionRow, touch: TouchRow): Promise<void> {
    const after = clock.now() - TOGETHER_MS;
    for (const { sessionId } of await store.others(tx, touch, after)) {
      const other = await sessions.find(tx, sessionId);
      if (!other || other.endedAt !== null) continue;
      const { repository, place, at } = touch;
      const conflict = { repository, place, firstId: other.id, secondId: session.id, at };
      const isTold = await store.isKnown(tx, conflict, after);
      await store.add(tx, conflict);
      if (isTold) continue;
      await tell(tx, session, other, touch);
      await tell(tx, other, session, touch);
    }
  }

  async function tell(tx: Tx, to: SessionRow, other: SessionRow, { repository, place }: TouchRow): Promise<void> {
    const what = place.startsWith("branch:") ? `have branch ${place.slice(7)} out` : `change ${place.slice(5)}`;
    await messages.tell(tx, to.agentId, {
      subject: "Two sessions in one place",
      body: `Session ${to.id} (${to.agentId}) and session ${other.id} (${other.agentId}) both ${what} in ${repository}. Agree who goes on there, or work in a worktree of your own.`,
    });
  }

  const old: Sweep = {
    name: "conflicts",
    limit: 1,
    async sweep(tx, { before }) {
      await store.forget(tx, clock.now() - TOGETHER_MS, before);
      return 0;
    },
  };

  /** Pairs of sessions that were in one place lately and are both live, newest first. */
  async function open(on: ReadTx, limit: number) {
    return live(on, await store.recent(on, clock.now() - TOGETHER_MS, limit));
  }

  /** The newest meeting of two sessions, while both are live. */
  async function between(on: ReadTx, [firstId = "", secondId = ""]: readonly string[]) {
    const rows = await store.between(on, firstId, secondId, clock.now() - TOGETHER_MS);
    return (await live(on, rows))[0];
  }

  /** Conflicts of two live sessions. */
  async function live(on: ReadTx, rows: readonly ConflictRow[]) {
    const met = await Promise.all(
      rows.map(async (row) => {
        const [first, second] = [await sessions.find(on, row.firstId), await sessions.find(on, row.secondId)];
        return first?.endedAt === null && second?.endedAt === null ? [{ ...row, first, second }] : [];
      }),
    );
    return met.flat();
  }

  return { followReport, open, between, sweeps: [old] };
}

/** Places that a report names: `changed: [{ repository, path }]` and `branch: { repository, name }`. Anything else is passed over. */
function placesIn({ changed, branch }: Record<string, unknown>): { repository: string; place: string }[] {
  const all = [
    ...(Array.isArray(changed) ? changed : []).map((one: unknown) => placeOf(one, "path")),
    placeOf(branch, "name"),
  ];
  return all.filter((one) => one !== undefined).slice(0, MAX_PLACES);
}

function placeOf(said: unknown, member: "path" | "name"): { repository: string; place: string } | undefined {
  if (typeof said !== "object" || said === null) return undefined;
  const { repository, [member]: at } = said as Record<string, unknown>;
  if (typeof repository !== "string" || typeof at !== "string") return undefined;
  return { repository, place: `${member === "path" ? "path" : "branch"}:${at}` };
}
