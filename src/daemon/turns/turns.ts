import { RunStopped } from "../../client/errors.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { passGates, type Services } from "../services.ts";
import type { Worktrees } from "../sessions/worktrees.ts";
import { tellFormer } from "../supervision/hand-over.ts";
import { beginRun } from "./begin.ts";
import { createClaims } from "./claims.ts";
import { type ConversationParts, createConversation } from "./conversation.ts";
import { type Ears, listenIn } from "./ears.ts";
import { type Ending, failed, wayOf } from "./end.ts";
import { stopped, stoppedBy } from "./endings.ts";
import { type OwnTurn, ownTurn } from "./own.ts";
import { promptFor } from "./prompt.ts";
import { Paused, type RunningTurn } from "./running.ts";
import type { Settle } from "./settle.ts";
import { createWords } from "./words.ts";

export interface TurnParts extends ConversationParts {
  settle: Settle;
  worktrees: Worktrees;
  /** Called with a turn that another session has to take. */
  again(turn: TurnRow): void;
  /** Called with a turn that was paused: it goes on once its gates let it. */
  paused(turn: TurnRow): void;
  /** Called when a turn is over, with those that follow. */
  over(turn: TurnRow, following: TurnRow[]): void;
}

export type Turns = ReturnType<typeof createTurns>;

/** Carries out turns: each is a run at the relay and one prompt to a CLI, and its end is stored before anybody hears of it. */
export function createTurns(services: Services, parts: TurnParts) {
  const { journal, life, log } = services;
  const { live, reporter, settle } = parts;
  const claims = createClaims(services);
  const running = new Map<string, RunningTurn>();
  /** Turns that were cut off, and wait until they may go on, with their sessions. */
  const resuming = new Map<string, string>();
  /** Turns whose end is on its way to the relay. */
  const settling = new Set<string>();
  const { open, converse, afterEnd, hearOthers, untilFree } = createConversation(services, { ...parts, turnIn });

  const aborted = new Promise<void>((resolve) => life.addEventListener("abort", () => resolve(), { once: true }));

  function turnIn(sessionId: string, except?: RunningTurn): RunningTurn | undefined {
    return [...running.values()].find((one) => one.sessionId === sessionId && one !== except);
  }

  /** Stores the end of a turn. The first end counts. */
  function store(turn: TurnRow, sessionId: string, ending: Ending): TurnRow {
    return journal.write(() => {
      const now = journal.turns.get(turn.id) ?? turn;
      if (now.end) return now;
      const session = journal.sessions.get(sessionId);
      const end = { ...ending, way: wayOf(services, now, session, ending) };
      if (session) journal.sessions.change(sessionId, { note: null });
      tellFormer(services, now, session, ending);
      return journal.turns.change(turn.id, { state: "ended", end });
    });
  }

  async function work(own: OwnTurn, turn: TurnRow, first: SessionRow, continues: boolean): Promise<TurnRow> {
    let session = first;
    let ears: Ears | undefined;
    let unuse: (() => void) | undefined;
    const signal = AbortSignal.any([own.halted.signal, life]);
    try {
      if (services.stops.some((stands) => stands(turn))) throw new Paused();
      const claim = await claims.hold(turn, signal);
      if (claim) own.claim = claim;
      session = await parts.worktrees.ready(session);
      // The run names the session, so the relay has to know it.
      const project = await parts.observations.begin(turn, session);
      await reporter.report(session.id, { project });
      const handle = await beginRun(services, turn, { session, project, signal });
      own.handle = handle;
      void reporter.report(session.id, { runId: handle.id });
      ears = listenIn(live, own, turn, handle, continues);
      ears.to(session.id);
      hearOthers(own, handle, createWords(services, turn, ears.words));
      const refused = await untilFree(own, session);
      if (refused) return store(turn, session.id, refused);
      const opened = await open(own, turn, session, continues);
      unuse = live.use(opened.session.id);
      if (opened.session.id !== session.id) ears.to(opened.session.id);
      session = opened.session;
      if (!continues) ears.renew(turn.id);
      const goesOn = continues && session.id === first.id;
      const prompt = goesOn ? undefined : await promptFor(services, { turn, session, handle });
      const end = await converse(own, { turn, session, native: opened.native, handle, prompt, ears });
      // The turn may go on in another session, which needs a room.
      unuse();
      unuse = undefined;
      return store(turn, own.sessionId, await afterEnd(own, { turn, handle, ears }, end));
    } catch (error) {
      if (life.aborted) throw error;
      if (error instanceof Paused || own.isPaused) {
        // Its process may have begun after the pause had looked for it.
        own.exit = await live.close(own.sessionId);
        throw error instanceof Paused ? error : new Paused();
      }
      const reason = error instanceof RunStopped ? error.message : own.stopReason;
      if (reason !== undefined) return store(turn, own.sessionId, stopped(own, reason, stoppedBy(reason)));
      log(`Turn ${turn.id} failed: ${error instanceof Error ? error.message : error}`);
      return store(turn, own.sessionId, failed(error));
    } finally {
      unuse?.();
      ears?.leave();
      void reporter.report(own.sessionId, { runId: null });
    }
  }

  /** Begins a turn in a session. `continues`: the CLI goes on with it by itself. */
  function begin(turn: TurnRow, session: SessionRow, continues = false): RunningTurn {
    const own = ownTurn(live, turn, session);
    running.set(turn.id, own);
    const ended = (async () => {
      let isPaused = false;
      try {
        const end = await work(own, turn, session, continues);
        own.isEnded = true;
        own.hasBegun();
        if (end.end?.outcome === "ok" && end.end.reason) own.handle?.think(`Reason of the answer: ${end.end.reason}`);
        // The relay takes no events of a run that has ended.
        await Promise.race([own.handle?.flush(), aborted]);
        life.throwIfAborted();
        own.handle?.close();
        await settleAll(end);
      } catch (error) {
        isPaused = error instanceof Paused;
        if (!life.aborted && !isPaused)
          log(`Turn ${turn.id} could not be handed over: ${error instanceof Error ? error.stack : error}`);
      } finally {
        own.handle?.close();
        own.claim?.release();
        own.hasBegun();
        running.delete(turn.id);
        if (isPaused && !life.aborted) parts.paused(waiting(turn));
      }
    })();
    Object.assign(own, { done: ended });
    return own;
  }

  /** A paused turn. A pause is no attempt. */
  function waiting(before: TurnRow): TurnRow {
    const { id, tries } = before;
    return journal.write(() => {
      const { plan, state } = journal.turns.get(id) ?? before;
      return journal.turns.change(id, { tries, ...(state === "sent" && { plan: { ...plan, wasCut: true } }) });
    });
  }

  async function settleAll(turn: TurnRow): Promise<void> {
    settling.add(turn.id);
    const following = await settle.settle(turn).finally(() => settling.delete(turn.id));
    parts.over(turn, following);
  }

  return {
    begin,

    /** Goes on with a turn that was cut off, once it may begin. Until then nobody else opens its session. */
    resume(turn: TurnRow, session: SessionRow): void {
      if (resuming.has(turn.id) || running.has(turn.id)) return;
      resuming.set(turn.id, session.id);
      const goOn = () => {
        resuming.delete(turn.id);
        const now = journal.turns.get(turn.id);
        // The turn may have been given up, or handed over, while it waited.
        if (!now || now.end) return;
        if (now.state === "queued") parts.again(now);
        else begin(now, session, true);
      };
      live.reserve(
        session.id,
        passGates(services, turn).then(goOn, () => undefined),
      );
    },

    /** Whether it works, waits to go on, or is being handed over. */
    isOwned: (id: string): boolean => running.has(id) || resuming.has(id) || settling.has(id),

    /** Hands over the end of a turn that an earlier process stored. */
    settleStored: (turn: TurnRow): Promise<void> =>
      settleAll(turn).catch((error) => {
        if (!life.aborted) throw error;
      }),

    /** Ends turns that wait to go on in a session, as a person has stopped them. @returns whether any did */
    async stopWaiting(sessionId: string, reason: string): Promise<boolean> {
      const ids = [...resuming].flatMap(([id, its]) => (its === sessionId ? [id] : []));
      const found = ids.flatMap((id) => journal.turns.get(id) ?? []);
      await Promise.all(found.map((turn) => settleAll(store(turn, sessionId, stoppedBy(reason)))));
      return found.length > 0;
    },

    /** Ends a turn without a CLI. */
    async giveUp(turn: TurnRow, ending: Ending): Promise<void> {
      await settleAll(store(turn, turn.sessionId ?? "", ending));
    },

    in: (sessionId: string): RunningTurn | undefined => turnIn(sessionId),
    get: (id: string): RunningTurn | undefined => running.get(id),
    all: (): RunningTurn[] => [...running.values()],
  };
}
