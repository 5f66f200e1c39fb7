import type { Areas } from "../../core/core.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { SessionChange } from "../../protocol/sessions.ts";
import type { Runs } from "../runs/runs.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { Sessions } from "../sessions/sessions.ts";

const LOOK = "session.orphans";
/** Time that an orchestrator has to end, or to take up again, what a dead session worked on. */
const GRACE_MS = 60_000;
/** Things that one notice names. */
const MAX_NAMED = 20;

/** Work without a process: runs and claims that a dead session leaves, told to the owner once. */
export function createOrphans({ kernel, core, sessions, runs }: Areas & { sessions: Sessions; runs: Runs }) {
  const { clock, due } = kernel;
  const { messages, work } = core;

  /** A session died: what it leaves is looked at some time later. */
  function followSession(tx: Tx, { state, id }: SessionChange, _: unknown, before: SessionRow | undefined) {
    if (state !== "dead" || before === undefined || before.endedAt !== null) return undefined;
    return due.schedule(tx, LOOK, id, clock.now() + GRACE_MS);
  }

  /** Claims of an agent that no session of it is left to work on. */
  async function claimsOf(on: ReadTx, agentId: string): Promise<string[]> {
    if (await sessions.hasLive(on, agentId)) return [];
    const held = await work.rows.liveLeases(on, agentId, clock.now(), 0, MAX_NAMED);
    return held.map(({ messageId }) => `message ${messageId}, which ${agentId} has claimed`);
  }

  async function look(tx: Tx, { key }: DueRow): Promise<void> {
    const session = await sessions.find(tx, key);
    if (session?.state !== "dead") return;
    const running = await runs.runningIn(tx, key, MAX_NAMED);
    const left = [...running.map(({ id }) => `run ${id}`), ...(await claimsOf(tx, session.agentId))];
    if (left.length === 0) return;
    await messages.tell(tx, "user", {
      subject: `Work without a process: ${session.agentId}`,
      body: `Session ${key} of ${session.agentId} is dead${session.reason ? ` (${session.reason})` : ""}, and nobody has ended what it worked on:\n${left.map((one) => `- ${one}`).join("\n")}`,
    });
  }

  return { followSession, dueHandlers: { [LOOK]: look } };
}

export type Orphans = ReturnType<typeof createOrphans>;
