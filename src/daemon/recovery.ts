import { untilAnswered } from "../client/until-answered.ts";
import type { MarkedProcess } from "../harness/providers/process/marker.ts";
import type { LeftProcess } from "../harness/providers/provider.ts";
import type { Session } from "../protocol/sessions.ts";
import { counted } from "./counted.ts";
import type { SessionRow } from "./journal/sessions.ts";
import type { TurnRow } from "./journal/turns.ts";
import type { Services } from "./services.ts";
import type { LiveSessions } from "./sessions/live.ts";
import type { Reporter } from "./sessions/reporter.ts";
import type { Turns } from "./turns/turns.ts";

/** Processes of this machine that carry a session's marker. */
export interface Processes {
  findMarked(): Promise<MarkedProcess[]>;
  endMarked(sessionId: string): Promise<LeftProcess[]>;
}

/** Times that an interrupted turn is begun again. */
const MAX_TRIES = 3;
const LOOK_MS = 5_000;

export interface RecoveryParts {
  live: LiveSessions;
  reporter: Reporter;
  turns: Turns;
  processes: Processes;
  offer(turn: TurnRow): void;
}

/** Ends processes that dead sessions of the journal left, and says which. Marked processes of others are reported alone. */
export async function endLeftovers(services: Services, { processes, reporter, live }: RecoveryParts): Promise<void> {
  const { journal, log } = services;
  const marked = Map.groupBy(await processes.findMarked(), ({ sessionId }) => sessionId);
  for (const [sessionId, found] of marked) {
    const pids = found.map(({ pid }) => pid);
    if (journal.sessions.get(sessionId)) {
      const left = await processes.endMarked(sessionId);
      log(`Ended ${counted(pids.length - left.length, "process", "processes")} that session ${sessionId} left`, {
        pids,
        left: left.map(({ pid }) => pid),
      });
    } else
      log(`Processes of session ${sessionId} run here, which is not of this daemon. They are left alone.`, { pids });
  }
  const still = new Set((await processes.findMarked()).map(({ sessionId }) => sessionId));
  for (const row of journal.sessions.live()) {
    if (still.has(row.id)) continue;
    const wasOpen = row.pid !== null || row.fence !== null || row.state !== "idle";
    if (wasOpen) await closeRow(services, { reporter, live }, row);
  }
}

/** Takes a session whose process is gone for idle, or for dead where no dialogue remains. */
async function closeRow(
  { journal, time }: Services,
  { reporter, live }: Pick<RecoveryParts, "reporter" | "live">,
  row: SessionRow,
): Promise<void> {
  const isDead = row.nativeId === null && row.forkOf === null && row.pid !== null;
  const state = isDead ? ("dead" as const) : ("idle" as const);
  const now = journal.write(() =>
    journal.sessions.change(row.id, {
      pid: null,
      startTicks: null,
      state,
      ...(isDead && { isMain: false, endedAt: time.wall() }),
    }),
  );
  void reporter.report(row.id, { runId: null });
  void live.giveBack(now, null);
}

/** Goes on with everything that an earlier process had not ended. Nothing is done twice. */
export function resumeTurns(services: Services, { turns, offer }: RecoveryParts): void {
  const open = services.journal.turns.open();
  for (const turn of open) {
    if (turn.state === "ended") void turns.settleStored(turn);
    if (turn.state === "sent") goOn(services, turns, turn, offer);
  }
  for (const turn of open) if (turn.state === "queued") offer(turn);
}

/** Goes on with a turn that was cut off: its CLI continues it, or gets the prompt again, or it is given back. */
export function goOn(services: Services, turns: Turns, turn: TurnRow, offer: (turn: TurnRow) => void): void {
  if (turn.state === "queued") {
    offer(turn);
    return;
  }
  const { journal, config, log } = services;
  const session = turn.sessionId === null ? undefined : journal.sessions.get(turn.sessionId);
  const choice = turn.plan.onInterrupt ?? config.onInterrupt;
  if (choice === "give-back" || turn.tries >= MAX_TRIES) {
    const error =
      choice === "give-back" ? "The daemon was stopped in the middle of it." : `It was cut off ${turn.tries} times.`;
    log(`Turn ${turn.id} is given back: ${error}`);
    void turns.giveUp(turn, { outcome: "error", errorCode: "lost", error, text: "" });
    return;
  }
  const isThere = session !== undefined && session.nativeId !== null && session.state !== "dead";
  if (isThere && services.providers.get(session.provider)?.provider.capabilities.continueTurn) {
    log(`Turn ${turn.id} goes on in session ${session.id}`);
    turns.resume(turn, session);
    return;
  }
  log(`Turn ${turn.id} begins again`);
  const plan = isThere ? { ...turn.plan, sessionId: session.id } : turn.plan;
  offer(journal.write(() => journal.turns.change(turn.id, { state: "queued", plan })));
}

/** Learns from the relay of agents with sessions here that a new journal does not know: it gets no command that is over again. */
export async function learnAgents({ config, journal, link, time, life, providers }: Services): Promise<void> {
  if (journal.position() > 0) return;
  const ask = () => link.box.sessions.list({ orchestrator: config.id, live: "true", limit: 500 });
  const { items } = await untilAnswered(time, ask, life);
  // The oldest one is of the agent's own provider: a later one may have taken its work over.
  const known = items.toReversed().filter(({ provider }) => providers.has(provider));
  journal.write(() => {
    for (const { agentId, provider } of known) journal.agents.put({ id: agentId, provider });
  });
}

/**
 * Waits until no session of a former daemon of this orchestrator is written: its lease is back, or has run out, for the former one
 * cannot renew it any more; or its processes are gone from this machine.
 */
export async function waitForFormer(
  services: Services,
  { processes }: Pick<RecoveryParts, "processes">,
): Promise<void> {
  const { config, journal, link, time, life, log, hostname } = services;
  const ask = () => link.box.sessions.list({ orchestrator: config.id, live: "true", limit: 500 });
  for (;;) {
    const { items } = await untilAnswered(time, ask, life);
    const marked = new Set((await processes.findMarked()).map(({ sessionId }) => sessionId));
    const isDead = ({ id, home }: Session) => home?.startsWith(`${hostname}:`) === true && !marked.has(id);
    const others = items.filter((one) => one.lease?.live && !journal.sessions.get(one.id) && !isDead(one));
    if (others.length === 0) return;
    log(`Waiting for ${counted(others.length, "session")} of a former daemon to end`, {
      sessions: others.map(({ id }) => id),
    });
    await time.sleep(LOOK_MS, life);
  }
}
