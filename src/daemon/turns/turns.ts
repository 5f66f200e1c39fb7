import { RunStopped } from "../../client/errors.ts";
import type { RunHandle, RunWord } from "../../client/run-handle.ts";
import type { Exit, NativeSession, SessionEvent } from "../../harness/providers/provider.ts";
import type { Observations } from "../git/observations.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { runnableOf, type Services } from "../services.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { Opener } from "../sessions/open.ts";
import type { Reporter } from "../sessions/reporter.ts";
import type { Limits } from "../supervision/limits.ts";
import { beginRun } from "./begin.ts";
import { createClaims } from "./claims.ts";
import type { Crashes } from "./crashes.ts";
import { type Ending, endOfExit, endOfResult, failed, wayOf } from "./end.ts";
import { reportEvent } from "./events.ts";
import { inputOf, type Prompt, promptFor } from "./prompt.ts";
import { createResults, Paused, type RunningTurn } from "./running.ts";
import type { Settle } from "./settle.ts";

export interface TurnParts {
  live: LiveSessions;
  reporter: Reporter;
  settle: Settle;
  observations: Observations;
  limits: Limits;
  crashes: Crashes;
  /** Opens the session of a turn: also a new one where its native dialogue is gone. */
  openFor: Opener;
  /** Called when a message has reached a turn. */
  reached(): void;
  /** Called when a turn is over, with those that follow. */
  over(turn: TurnRow, following: TurnRow[]): void;
}

export type Turns = ReturnType<typeof createTurns>;

/** Carries out turns: each is a run at the relay and one prompt to a CLI, and its end is stored before anybody hears of it. */
export function createTurns(services: Services, parts: TurnParts) {
  const { journal, time, life, log, config } = services;
  const { live, reporter, settle } = parts;
  const claims = createClaims(services);
  const running = new Map<string, RunningTurn>();

  const aborted = new Promise<void>((resolve) => life.addEventListener("abort", () => resolve(), { once: true }));

  /** Stores the end of a turn. The first end counts. */
  function store(turn: TurnRow, sessionId: string, ending: Ending): TurnRow {
    return journal.write(() => {
      const now = journal.turns.get(turn.id) ?? turn;
      if (now.end) return now;
      const session = journal.sessions.get(sessionId);
      const end = { ...ending, way: wayOf(services, now, session, ending) };
      if (session) journal.sessions.change(sessionId, { note: null });
      return journal.turns.change(turn.id, { state: "ended", end });
    });
  }

  async function work(own: Own, turn: TurnRow, first: SessionRow, continues: boolean): Promise<TurnRow> {
    let session = first;
    let ears: ReturnType<typeof listenIn> | undefined;
    try {
      own.release = await claims.hold(turn);
      // The run names the session, so the relay has to know it.
      const project = await parts.observations.begin(turn, session);
      await reporter.report(session.id, { project });
      const handle = await beginRun(services, turn, { session, project });
      own.handle = handle;
      void reporter.report(session.id, { runId: handle.id });
      ears = listenIn(own, turn, handle, continues);
      ears.to(session.id);
      const opened = await parts.openFor(turn, session, continues);
      if (opened.session.id !== session.id) ears.to(opened.session.id);
      session = opened.session;
      if (!continues) ears.renew(turn.id);
      const goesOn = continues && session.id === first.id;
      const prompt = goesOn ? undefined : await promptFor(services, { turn, session, handle });
      hearOthers(own, handle, ears.words);
      let end = await converse(own, { turn, session, native: opened.native, handle, prompt, ears });
      if (own.hasCrashed) end = await afterCrash(own, { turn, handle, ears }, end);
      return store(turn, session.id, end);
    } catch (error) {
      if (life.aborted || error instanceof Paused || own.isPaused) throw error;
      log(`Turn ${turn.id} failed: ${error instanceof Error ? error.message : error}`);
      return store(turn, session.id, failed(error));
    } finally {
      ears?.leave();
      void reporter.report(session.id, { runId: null });
    }
  }

  /** Everything that a turn hears of its session, from before its process starts. */
  function listenIn(own: Own, turn: TurnRow, handle: RunHandle, continues: boolean) {
    let results = createResults(continues ? null : turn.id);
    let exited = Promise.withResolvers<Exit>();
    const words = new Map<string, number>();
    const messagesOf = (inputId: string): number[] => {
      const id = inputId === turn.id ? (turn.messageId ?? handle.run.messageId) : words.get(inputId);
      return id === undefined || id === null ? [] : [id];
    };
    const leaves: (() => void)[] = [];
    return {
      words,
      get ended() {
        return results.ended;
      },
      get exited() {
        return exited.promise;
      },
      /** Waits for the result of another input, or of the turn that the CLI continues. */
      renew(inputId: string | null): void {
        results = createResults(inputId);
        exited = Promise.withResolvers();
      },
      to(sessionId: string): void {
        own.sessionId = sessionId;
        const ear = {
          event(event: SessionEvent) {
            results.hear(event);
            reportEvent(handle, event, messagesOf);
          },
          exited: (exit: Exit) => exited.resolve(exit),
        };
        leaves.push(live.listen(sessionId, ear));
      },
      leave: () => {
        for (const leave of leaves) leave();
      },
    };
  }

  interface Conversing {
    turn: TurnRow;
    session: SessionRow;
    native: NativeSession;
    handle: RunHandle;
    ears: ReturnType<typeof listenIn>;
    /** Undefined: the CLI goes on with the turn that was cut off. */
    prompt: Prompt | undefined;
  }

  /** Words and stops of others, for the process that has the turn then. */
  function hearOthers(own: Own, { onMessage, signal }: RunHandle, words: Map<string, number>): void {
    onMessage((word) => void (own.native && steer(own.native, word, words)));
    const stopped = () => {
      if (signal.reason instanceof RunStopped) own.stop("interrupt", signal.reason.message);
    };
    signal.addEventListener("abort", stopped, { once: true });
  }

  /** One prompt and what comes of it, until its result, the end of its process, or a stop. */
  async function converse(own: Own, { turn, session, native, handle, prompt, ears }: Conversing): Promise<Ending> {
    own.native = native;
    const unuse = live.use(session.id);
    own.tell = (text) => native.steer(inputOf(text)).catch(() => "refused" as const);
    try {
      if (own.isPaused) throw new Paused();
      markSent(turn, session);
      if (prompt) await native.send({ id: turn.id, ...prompt });
      own.sentAt = time.now();
      own.hasBegun();
      if (handle.signal.reason instanceof RunStopped) own.stop("interrupt", handle.signal.reason.message);
      const end = await endOf(own, native, ears);
      return end.errorCode === "limited" ? await afterLimit(own, { turn, session, ears }, end) : end;
    } finally {
      unuse();
    }
  }

  /** Goes on once where the CLI of a turn has crashed: its CLI continues it, else gets the prompt again. */
  async function afterCrash(own: Own, on: Pick<Conversing, "turn" | "handle" | "ears">, met: Ending): Promise<Ending> {
    const row = parts.crashes.next(on.turn, own.sessionId);
    if (!row) return met;
    const mayContinue = runnableOf(services, row.provider).provider.capabilities.continueTurn;
    on.ears.renew(mayContinue ? null : on.turn.id);
    const { session, native } = await parts.openFor(on.turn, row, mayContinue);
    if (session.id !== row.id) on.ears.to(session.id);
    const turn = journal.turns.get(on.turn.id) ?? on.turn;
    const goesOn = mayContinue && session.id === row.id;
    const prompt = goesOn ? undefined : await promptFor(services, { ...on, turn, session });
    return converse(own, { ...on, turn, session, native, prompt });
  }

  /** Keeps a turn that its provider limits, with its run and its lease, until it may go on. A limit is no attempt. */
  async function afterLimit(own: Own, on: Pick<Conversing, "turn" | "session" | "ears">, met: Ending): Promise<Ending> {
    const { turn, session, ears } = on;
    for (let end = met; ; ) {
      const isOver = end.errorCode !== "limited" || own.stopReason !== undefined;
      if (isOver || !parts.limits.isRejected(session.provider)) return end;
      keepForLater(turn, session);
      await parts.limits.again(turn, session, AbortSignal.any([own.halted.signal, life])).catch(() => undefined);
      life.throwIfAborted();
      if (own.isPaused) throw new Paused();
      if (own.stopReason !== undefined) return { outcome: "aborted", text: "", reason: own.stopReason };
      const input = { ...inputOf(GO_ON), provenance: { kind: "relay" as const, from: "relay" } };
      ears.renew(input.id);
      const { native } = await parts.openFor(turn, session, false);
      own.native = native;
      journal.write(() => journal.turns.change(turn.id, { state: "sent" }));
      await native.send(input);
      end = await endOf(own, native, ears);
    }
  }

  /** A daemon that begins meanwhile gives it to its session anew, once the limit is over. */
  function keepForLater(turn: TurnRow, { id: sessionId }: SessionRow): void {
    journal.write(() => {
      const { plan, tries } = journal.turns.get(turn.id) ?? turn;
      journal.turns.change(turn.id, { state: "queued", tries: Math.max(0, tries - 1), plan: { ...plan, sessionId } });
    });
  }

  function markSent(turn: TurnRow, session: SessionRow): void {
    journal.write(() => {
      const sentAt = time.wall();
      journal.turns.change(turn.id, { state: "sent", sentAt, sessionId: session.id, tries: turn.tries + 1 });
      journal.sessions.change(session.id, { lastTurnAt: sentAt });
      if (turn.messageId !== null) journal.letters.mark(turn.messageId, turn.agentId, "turn");
    });
    parts.reached();
  }

  /** First of result, exit and time limit. */
  async function endOf(own: Own, native: NativeSession, { ended, exited }: Conversing["ears"]): Promise<Ending> {
    const limit = new AbortController();
    const late = time.sleep(config.runtimeSeconds * 1000, limit.signal).then(
      () => "late" as const,
      () => new Promise<never>(() => undefined),
    );
    const won = await Promise.race([ended, exited, late]);
    limit.abort();
    life.throwIfAborted();
    if (own.isPaused) throw new Paused();
    if (won === "late") return cutOff(native, ended, exited);
    const reason = own.stopReason;
    if ("outcome" in won)
      return reason === undefined ? endOfResult(won) : { ...endOfResult(won), outcome: "aborted", reason };
    own.hasCrashed = reason === undefined;
    if (own.hasCrashed) parts.crashes.note(own.turn);
    return reason === undefined ? endOfExit(won) : { outcome: "aborted", text: "", reason };
  }

  async function cutOff(native: NativeSession, result: Promise<unknown>, exit: Promise<Exit>): Promise<Ending> {
    await native.interrupt().catch(() => undefined);
    const patience = time.sleep(10_000);
    await Promise.race([result, exit, patience]);
    const error = `It took longer than ${config.runtimeSeconds} s and was stopped.`;
    return { outcome: "timeout", errorCode: "timeout", error, text: "" };
  }

  /** Words of others to the running turn: into it where the CLI can, else behind it. */
  async function steer(native: NativeSession, { messageId, text }: RunWord, words: Map<string, number>): Promise<void> {
    const input = inputOf(text);
    words.set(input.id, messageId);
    try {
      if ((await native.steer(input)) === "refused") await native.send(input);
    } catch (error) {
      log(`Words to a turn did not reach its CLI: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** A turn that works, with the hands on it. */
  interface Own extends RunningTurn {
    sessionId: string;
    native?: NativeSession;
    stopReason?: string;
    isPaused?: boolean;
    /** Its process has ended before its result. */
    hasCrashed?: boolean;
    /** Fires when it is paused or stopped. */
    halted: AbortController;
    hasBegun(): void;
    /** Stops renewing the claim of its message. */
    release?: () => void;
  }

  function open(turn: TurnRow, session: SessionRow): Own {
    const begun = Promise.withResolvers<void>();
    const own: Own = {
      ...{ turn, sessionId: session.id, isEnded: false, sent: begun.promise, done: Promise.resolve() },
      hasBegun: begun.resolve,
      halted: new AbortController(),
      async pause() {
        own.isPaused = true;
        own.halted.abort();
        const exit = await live.close(own.sessionId);
        await own.done;
        return exit?.left.length ?? 0;
      },
      stop(how, reason) {
        own.stopReason ??= reason;
        own.halted.abort();
        void (how === "kill" ? live.close(own.sessionId) : own.native?.interrupt().catch(() => undefined));
      },
    };
    return own;
  }

  async function settleAll(turn: TurnRow): Promise<void> {
    parts.over(turn, await settle.settle(turn));
  }

  return {
    /** Begins a turn in a session. `continues`: the CLI goes on with it by itself. */
    begin(turn: TurnRow, session: SessionRow, continues = false): RunningTurn {
      const own = open(turn, session);
      running.set(turn.id, own);
      const ended = (async () => {
        try {
          const end = await work(own, turn, session, continues);
          own.isEnded = true;
          own.hasBegun();
          // The relay takes no events of a run that has ended.
          await Promise.race([own.handle?.flush(), aborted]);
          life.throwIfAborted();
          own.handle?.close();
          await settleAll(end);
        } catch (error) {
          if (!life.aborted)
            log(`Turn ${turn.id} could not be handed over: ${error instanceof Error ? error.stack : error}`);
        } finally {
          own.handle?.close();
          own.release?.();
          own.hasBegun();
          running.delete(turn.id);
        }
      })();
      Object.assign(own, { done: ended });
      return own;
    },

    /** Hands over the end of a turn that an earlier process stored. */
    settleStored: (turn: TurnRow): Promise<void> =>
      settleAll(turn).catch((error) => {
        if (!life.aborted) throw error;
      }),

    /** Ends a turn without a CLI. */
    async giveUp(turn: TurnRow, ending: Ending): Promise<void> {
      await settleAll(store(turn, turn.sessionId ?? "", ending));
    },

    in: (sessionId: string): RunningTurn | undefined =>
      [...running.values()].find((one) => one.sessionId === sessionId),
    get: (id: string): RunningTurn | undefined => running.get(id),
    all: (): RunningTurn[] => [...running.values()],
  };
}

const GO_ON = "The limit of your provider is over. Go on with what you were asked for.";
