import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { passGates, type Services } from "../services.ts";
import { failed } from "../turns/end.ts";
import { quote } from "../turns/quote.ts";
import type { RunningTurn } from "../turns/running.ts";
import type { Turns } from "../turns/turns.ts";
import { digestOf } from "./digest.ts";
import type { LiveSessions } from "./live.ts";
import { nameOf } from "./names.ts";
import type { Reporter } from "./reporter.ts";
import { newSession, providerOf, underCaps } from "./rows.ts";

/** Of the task of work that goes on beside a copy which does not know of it. */
const TASK_CHARS = 2000;

export type Lanes = ReturnType<typeof createLanes>;

/** Queues of turns, one for each dialogue of an agent, urgent ones first, else first come first served. Each decides which session takes its next turn. */
export function createLanes(
  services: Services,
  { turns, live, reporter }: { turns: Turns; live: LiveSessions; reporter: Reporter },
) {
  const { journal, config, time, life, log } = services;
  const lanes = new Map<string, TurnRow[]>();
  const pumping = new Set<string>();

  const passing = new Map<string, Promise<void>>();
  /** Called when an urgent turn comes before the one that waits at the gates, by lane. */
  const overtakes = new Map<string, () => void>();

  /** Callers that wait for a turn to begin. */
  const waiters = new Map<string, () => void>();

  function begun(id: string): void {
    waiters.get(id)?.();
    waiters.delete(id);
  }

  /** A turn as it is now: gates may have handed it to another session. */
  const newest = (turn: TurnRow): TurnRow => journal.turns.get(turn.id) ?? turn;

  /** Passes the gates: once at a time for each turn, however often it comes to the head of its lane. */
  function pass(turn: TurnRow): Promise<void> {
    const passed = passing.get(turn.id) ?? passGates(services, turn).finally(() => passing.delete(turn.id));
    passing.set(turn.id, passed);
    return passed;
  }

  const isUrgent = ({ messageId, agentId }: TurnRow): boolean =>
    messageId !== null && journal.letters.get(messageId, agentId)?.entry.urgent === true;

  function isBefore(one: TurnRow, other: TurnRow): boolean {
    const [first, second] = [isUrgent(one), isUrgent(other)];
    if (first !== second) return first;
    // A new attempt at work waits for a while first.
    if (one.messageId === null || other.messageId === null || one.plan.failures) return false;
    return one.messageId < other.messageId;
  }

  async function pump(key: string): Promise<void> {
    const queue = lanes.get(key) ?? [];
    for (let next = queue[0]; next && !life.aborted; next = queue[0]) {
      const overtaken = new Promise<void>((resolve) => overtakes.set(key, resolve));
      const session = await take(next, () => queue[0] === next, overtaken);
      if (queue[0] !== next) continue;
      queue.shift();
      if (!session) {
        begun(next.id);
        continue;
      }
      const running = turns.begin(newest(next), session);
      begun(next.id);
      await running.sent;
    }
    lanes.delete(key);
    overtakes.delete(key);
  }

  /** Session that takes a turn, once it may begin. A turn that none can take ends, so that those behind it go on. */
  async function take(turn: TurnRow, isNext: () => boolean, overtaken: Promise<void>): Promise<SessionRow | undefined> {
    try {
      await Promise.race([pass(turn), overtaken]);
      return isNext() ? underCaps(services, await sessionFor(newest(turn)), turn.plan) : undefined;
    } catch (error) {
      if (life.aborted) throw error;
      log(`Turn ${turn.id} cannot begin: ${error instanceof Error ? error.message : error}`);
      turns.giveUp(turn, failed(error)).catch(() => undefined);
      return undefined;
    }
  }

  /** Session for a turn: table of new, resume, wait and fork. */
  async function sessionFor(turn: TurnRow): Promise<SessionRow> {
    const named = turn.plan.sessionId === undefined ? undefined : journal.sessions.get(turn.plan.sessionId);
    if (named && named.state !== "dead") return whenFree(named, turn);
    if (turn.plan.lane === "background") return beside(turn);
    return mainFor(turn);
  }

  /** Work beside a dialogue: a copy of its main session, which goes on; without one a new session. */
  function beside(turn: TurnRow): SessionRow {
    const { feedTo, worktree } = turn.plan;
    // A copy works in the folder of its session.
    const of = feedTo === undefined || worktree ? undefined : journal.sessions.main(turn.agentId, feedTo);
    return journal.write(() => journal.sessions.save(newSession(services, turn, of)));
  }

  async function mainFor(turn: TurnRow): Promise<SessionRow> {
    for (;;) {
      const main = journal.sessions.main(turn.agentId, turn.sessionKey);
      if (!main) return journal.write(() => journal.sessions.save(newSession(services, turn)));
      const busy = turns.in(main.id);
      const reserved = live.reservation(main.id);
      if (!busy && !reserved) return main;
      if (!busy) {
        await reserved;
        continue;
      }
      const waited = await waitFor(busy);
      if (waited === "over" || turns.in(main.id) !== busy) {
        // A hold, a cap, a limit or a profile may have ended the turn before, and also keeps the next one.
        await passGates(services, turn);
        return sessionFor(newest(turn));
      }
      const aside = await stepAside(main, busy, turn);
      if (aside) return aside;
    }
  }

  async function whenFree(session: SessionRow, turn: TurnRow): Promise<SessionRow> {
    const taken = turns.in(session.id)?.done ?? live.reservation(session.id);
    if (taken) {
      await taken;
      await passGates(services, turn);
      return sessionFor(newest(turn));
    }
    const now = journal.sessions.get(session.id);
    return now && now.state !== "dead" ? now : mainFor(turn);
  }

  /** Waits for a busy main session, until the threshold after its last prompt. */
  async function waitFor(busy: RunningTurn): Promise<"over" | "late"> {
    const own = new AbortController();
    const late = (async () => {
      await busy.sent;
      const leftMs = (busy.sentAt ?? time.now()) + config.waitSeconds * 1000 - time.now();
      if (leftMs > 0) await time.sleep(leftMs, own.signal);
      return "late" as const;
    })().catch(() => "over" as const);
    const waited = await Promise.race([busy.done.then(() => "over" as const), late]);
    own.abort();
    return waited;
  }

  /**
   * The busy main session goes on beside, and a copy of it becomes the main one, in one write. A result that came before that write
   * is delivered as usual, and nothing steps aside.
   */
  async function stepAside(main: SessionRow, busy: RunningTurn, turn: TurnRow): Promise<SessionRow | undefined> {
    if (busy.isEnded) return void (await busy.done);
    const { provider } = providerOf(services, turn.agentId);
    const isCopy = provider.capabilities.fork && main.nativeId !== null;
    const newest = journal.letters.newest(turn.agentId, turn.sessionKey, 1)[0]?.entry.id ?? 0;
    const digest = isCopy ? "" : await digestOf(services, turn.agentId, turn.sessionKey, turn.messageId);
    const made = journal.write(() => {
      const now = journal.turns.get(busy.turn.id);
      if (!now || now.end) return undefined;
      journal.sessions.change(main.id, { isMain: false, lane: "background", demotedBy: turn.messageId ?? newest });
      const copy = newSession(services, turn, journal.sessions.get(main.id) ?? main);
      const work = copy.forkAt === null ? "" : quote("What that work was asked", now.plan.task.slice(0, TASK_CHARS));
      const name = now.plan.name ?? nameOf(now.plan.task);
      const note = [asideNote(name, isCopy), work, digest].filter(Boolean).join("\n\n");
      return journal.sessions.save({ ...copy, note });
    });
    if (!made) return void (await busy.done);
    void reporter.report(main.id);
    log(`Session ${main.id} steps aside for ${made.id}`, { sessionKey: turn.sessionKey });
    return made;
  }

  /** Puts a stored turn into its lane: an urgent one before those that are not, one that had left it before those that came later. */
  function offer(turn: TurnRow): void {
    const key = `${turn.agentId}\n${turn.plan.lane === "main" ? turn.sessionKey : turn.id}`;
    const queue = lanes.get(key) ?? [];
    lanes.set(key, queue);
    const at = queue.findIndex((other) => isBefore(turn, other));
    queue.splice(at === -1 ? queue.length : at, 0, turn);
    if (at === 0) overtakes.get(key)?.();
    if (pumping.has(key)) return;
    pumping.add(key);
    void pump(key)
      .catch(
        (error) =>
          life.aborted ||
          log(`The lane of ${turn.sessionKey} stopped: ${error instanceof Error ? error.stack : error}`),
      )
      .finally(() => {
        pumping.delete(key);
        if (lanes.get(key)?.length && !life.aborted) for (const left of lanes.get(key)?.splice(0) ?? []) offer(left);
      });
  }

  const has = (id: string): boolean => [...lanes.values()].some((queue) => queue.some((turn) => turn.id === id));

  return {
    offer,
    /** Turns that wait for a session of this dialogue. */
    waiting: (agentId: string, sessionKey: string): TurnRow[] => lanes.get(`${agentId}\n${sessionKey}`) ?? [],
    has,
    /** Resolves when a turn has left its lane. */
    async begun(id: string): Promise<void> {
      if (has(id)) await new Promise<void>((resolve) => waiters.set(id, resolve));
    },
    /** Takes a turn that has not begun out of its lane. */
    withdraw(turn: TurnRow): boolean {
      for (const queue of lanes.values()) {
        const at = queue.findIndex(({ id }) => id === turn.id);
        if (at !== -1) return queue.splice(at, 1).length > 0;
      }
      return false;
    },
    isLive: live.isLive,
  };
}

function asideNote(name: string, isCopy: boolean): string {
  const went = `Your work "${name}" takes longer, and goes on beside this dialogue. Its result comes to you by itself: do not do it again.`;
  return isCopy ? went : `${went} This CLI cannot copy a session, so you begin anew, with the newest messages below.`;
}
