import { untilAnswered } from "../../client/until-answered.ts";
import type { SessionEvent } from "../../harness/providers/provider.ts";
import type { SessionRow } from "../journal/sessions.ts";
import { profileOf } from "../profiles.ts";
import type { Services } from "../services.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { Reporter } from "../sessions/reporter.ts";
import type { RunningTurn } from "../turns/running.ts";
import type { Turns } from "../turns/turns.ts";
import type { Effort, EffortOf, Worked } from "./effort.ts";

const LOOK_MS = 13_000;
/** A process that took a prompt says something within this time. */
const FIRST_MS = 60_000;
/** A turn whose CLI gave its result ends within this time. */
const END_MS = 60_000;
/** Time between looks at a long turn. */
const LONG_MS = 300_000;
/** Clock ticks between two looks that an idle process may take. */
const IDLE_TICKS = 2;
/** Time after its start in which a CLI starts the servers that it keeps. */
const STARTING_MS = 10_000;

/** Signs of life of one session. */
interface Signs {
  lastAt: number;
  hasSpoken: boolean;
  tools: Set<string>;
  isAsking: boolean;
  effort: Effort | undefined;
  /** Its process does nothing since. */
  idleSince: number | null;
  stuckSince: number | null;
  /** Steps that were taken against it. */
  steps: number;
  /** Its CLI gave a result, and no sign since. */
  resultAt: number | null;
  /** Time of the last look at a long turn. */
  lookedAt: number | null;
}

interface Parts {
  turns: Turns;
  live: LiveSessions;
  reporter: Reporter;
  /** Looks at the processes of the machine. */
  look(): Promise<EffortOf>;
}

/**
 * Watches turns that work. Stuck is a turn of which two things say so: its CLI is silent while no tool and no child run works, and its
 * processes do nothing. Where the machine does not say what they do, no turn is stuck. A stuck turn is told of, and what comes late
 * counts.
 */
export function createWatch(services: Services, { turns, live, reporter, look: lookAround }: Parts) {
  const { config, journal, link, time, life, log } = services;
  const all = new Map<string, Signs>();

  const blank = (): Signs => ({
    ...{ lastAt: time.now(), hasSpoken: false, tools: new Set(), isAsking: false, effort: undefined },
    ...{ idleSince: null, stuckSince: null, steps: 0, resultAt: null, lookedAt: null },
  });

  function hear({ id }: SessionRow, event: SessionEvent): void {
    // A receipt says that the pipe has our words, and nothing of the model.
    if (event.type === "input") return;
    const before = all.get(id);
    if (event.type === "turn-started" || event.type === "result") {
      if (before?.stuckSince != null) recovered(id, before);
      if (before?.lookedAt != null) void reporter.report(id, {}, { evidence: null });
      all.set(id, blank());
    }
    const signs = all.get(id) ?? blank();
    all.set(id, signs);
    signs.lastAt = time.now();
    if (event.type === "result") signs.resultAt = time.now();
    else if (event.type !== "usage" && !(event.type === "state" && event.state === "idle")) signs.resultAt = null;
    if (event.type !== "state" && event.type !== "native" && event.type !== "turn-started") signs.hasSpoken = true;
    if (event.type === "tool" && event.phase === "start") signs.tools.add(event.id);
    if (event.type === "tool" && event.phase === "result") signs.tools.delete(event.id);
    if (event.type === "ask" || event.type === "ask-withdrawn") signs.isAsking = event.type === "ask";
    if (event.type === "state") signs.isAsking = event.state === "asking";
    if (signs.stuckSince !== null) recovered(id, signs);
  }

  function recovered(id: string, signs: Signs): void {
    Object.assign(signs, { stuckSince: null, steps: 0, idleSince: null });
    if (journal.sessions.get(id)?.state === "stuck") live.setState(id, "working");
    void reporter.report(id, { reason: null }, { evidence: null });
  }

  /** Whether the machine saw the process and those below it do nothing since its last sign. */
  function isIdle(signs: Signs, turnMs: number, effort: Effort | undefined): boolean {
    const before = signs.effort;
    signs.effort = effort;
    const isBusy = !effort || toolsOf(effort, turnMs) > 0 || (before !== undefined && hasMoved(effort, before));
    signs.idleSince = isBusy ? null : (signs.idleSince ?? time.now());
    return signs.idleSince !== null && time.now() - signs.idleSince >= FIRST_MS / 2;
  }

  async function awaitsChild({ handle, turn }: RunningTurn): Promise<boolean> {
    const runId = handle?.id;
    if (runId === undefined) return false;
    const { descendants } = await link.of(turn.agentId).verbs.tree(runId);
    return descendants.some(({ status }) => status !== "ended");
  }

  async function look(running: RunningTurn, effortOf: EffortOf): Promise<void> {
    const { sessionId } = running;
    const native = live.native(sessionId);
    const session = journal.sessions.get(sessionId);
    if (!native || !session || session.state === "limited" || running.sentAt === undefined || running.isEnded) return;
    const signs = all.get(sessionId) ?? blank();
    all.set(sessionId, signs);
    const idle = isIdle(signs, time.now() - running.sentAt, effortOf(native.pid));
    const silentMs = time.now() - Math.max(signs.lastAt, running.sentAt);
    if (signs.resultAt !== null && time.now() - signs.resultAt >= END_MS) {
      endLate(session, running, signs);
      return;
    }
    lookLong(session, running, signs);
    const limitMs = signs.hasSpoken ? config.silenceSeconds * 1000 : Math.min(FIRST_MS, config.silenceSeconds * 1000);
    if (silentMs < limitMs || signs.tools.size > 0 || signs.isAsking || !idle) return;
    if (signs.stuckSince === null && (await awaitsChild(running))) {
      signs.lastAt = time.now();
      return;
    }
    if (signs.stuckSince === null) found(session, running, signs, silentMs);
    await act(session, running, signs);
  }

  /** Ends a turn whose CLI gave a result and then nothing more, with what it said. */
  function endLate({ id }: SessionRow, running: RunningTurn, signs: Signs): void {
    const seconds = Math.round((time.now() - (signs.resultAt ?? time.now())) / 1000);
    signs.resultAt = null;
    log(`Session ${id} gave a result, and did not end its turn. Its process is ended.`, { runId: running.handle?.id });
    const reason = `Its turn did not end ${seconds} s after its result, and its process was ended.`;
    void reporter.report(id, { reason }, { evidence: { secondsSinceResult: seconds } });
    running.conclude?.();
  }

  /** Reports the signs of a turn that takes long, every 5 minutes. */
  function lookLong({ id }: SessionRow, { sentAt = time.now() }: RunningTurn, signs: Signs): void {
    const now = time.now();
    if (signs.stuckSince !== null || now - Math.max(sentAt, signs.lookedAt ?? 0) < LONG_MS) return;
    signs.lookedAt = now;
    const evidence = {
      ...{ workingSeconds: Math.round((now - sentAt) / 1000), silentSeconds: Math.round((now - signs.lastAt) / 1000) },
      ...{ hasSpoken: signs.hasSpoken, runsTools: signs.tools.size, asks: signs.isAsking },
      process: signs.effort ? shown(signs.effort) : "not seen on this system",
    };
    void reporter.report(id, {}, { evidence });
  }

  function found(session: SessionRow, { handle }: RunningTurn, signs: Signs, silentMs: number): void {
    signs.stuckSince = time.now();
    const seconds = Math.round(silentMs / 1000);
    const evidence = {
      ...{ silentSeconds: seconds, hasSpoken: signs.hasSpoken, runsTools: 0 },
      ...(signs.effort && { process: { ...shown(signs.effort), idle: true } }),
    };
    live.setState(session.id, "stuck");
    const reason = `No sign for ${seconds} s, no tool runs, and its process does nothing.`;
    void reporter.report(session.id, { reason }, { evidence });
    log(`Session ${session.id} is stuck`, { runId: handle?.id, ...evidence });
  }

  /** Takes the steps whose time has come, each once. */
  async function act(session: SessionRow, running: RunningTurn, signs: Signs): Promise<void> {
    const sinceMs = time.now() - (signs.stuckSince ?? time.now());
    const onStuck = profileOf(services, session.agentId)?.onStuck ?? config.onStuck;
    for (const step of onStuck.slice(signs.steps)) {
      if (sinceMs < step.afterSeconds * 1000) return;
      signs.steps++;
      log(`Stuck session ${session.id}: ${step.do}`);
      if (step.do === "tell") await tell(session, running);
      else if (step.do === "nudge") await running.tell?.("Are you still there? Go on, or say why you wait.");
      else if (step.do === "interrupt") running.stop("interrupt", "It was stuck.");
      else if (!running.restart()) running.stop("kill", "It was stuck again, and its process was ended.");
    }
  }

  async function tell(session: SessionRow, { turn, handle }: RunningTurn): Promise<void> {
    const runId = handle?.id ?? "none yet";
    const draft = {
      ...{ to: "user", subject: `${session.agentId} is stuck`, idempotencyKey: `stuck:${turn.id}:${turn.tries}` },
      body: `Session ${session.id} (run ${runId}) has given no sign, and its process does nothing. It is left as it is: signalbox peek, interrupt or kill it. A result that comes late counts.`,
    };
    await untilAnswered(time, () => link.box.messages.send(draft), life);
  }

  return {
    /** Observer of all sessions. */
    observe: hear,
    /** Looks at all turns, until the daemon ends. */
    async watch(): Promise<void> {
      while (!life.aborted) {
        await time.sleep(LOOK_MS, life).catch(() => undefined);
        const working = life.aborted ? [] : turns.all();
        if (working.length === 0) continue;
        const effortOf = await lookAround();
        for (const running of working)
          await look(running, effortOf).catch(
            (error) => life.aborted || log(`A look failed: ${error instanceof Error ? error.message : error}`),
          );
      }
    },
  };
}

/** Processes that began in a turn, as tools do. The servers that a CLI keeps began with it, or in a turn before. */
const toolsOf = ({ ageMs, below }: Effort, turnMs: number): number =>
  below.filter((one) => one.ageMs < turnMs && ageMs - one.ageMs > STARTING_MS).length;

/** Whether any of the processes has worked since the look before. */
function hasMoved(now: Effort, before: Effort): boolean {
  const earlier = new Map([before, ...before.below].map(({ pid, ticks }: Worked) => [pid, ticks]));
  return [now, ...now.below].some(({ pid, ticks }) => ticks - (earlier.get(pid) ?? ticks) > IDLE_TICKS);
}

const shown = ({ ticks, below }: Effort) => ({ ticks, children: below.length });
