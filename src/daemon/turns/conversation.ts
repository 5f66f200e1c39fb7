import { RunStopped } from "../../client/errors.ts";
import type { RunHandle } from "../../client/run-handle.ts";
import type { NativeSession, TurnInput } from "../../harness/providers/provider.ts";
import type { Observations } from "../git/observations.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { runnableOf, type Services } from "../services.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { Opener } from "../sessions/open.ts";
import type { Reporter } from "../sessions/reporter.ts";
import type { Caps } from "../supervision/caps.ts";
import type { Limits } from "../supervision/limits.ts";
import type { Crashes } from "./crashes.ts";
import type { Ears } from "./ears.ts";
import type { Ending } from "./end.ts";
import { createEndOf, KEPT, stopped, stoppedBy } from "./endings.ts";
import { createKept } from "./kept.ts";
import { createAfterLimit } from "./limited.ts";
import type { OwnTurn } from "./own.ts";
import { inputOf, type Prompt, promptFor } from "./prompt.ts";
import { Paused, type RunningTurn } from "./running.ts";
import type { Words } from "./words.ts";

export interface ConversationParts {
  live: LiveSessions;
  limits: Limits;
  caps: Caps;
  reporter: Reporter;
  observations: Observations;
  crashes: Crashes;
  /** Opens the session of a turn: also a new one where its native dialogue is gone. */
  openFor: Opener;
  /** Called when a message has reached a turn. */
  reached(): void;
}

interface Others {
  /** Another turn that works in a session. */
  turnIn(sessionId: string, own: OwnTurn): RunningTurn | undefined;
}

interface Conversing {
  turn: TurnRow;
  session: SessionRow;
  native: NativeSession;
  handle: RunHandle;
  ears: Ears;
  /** Undefined: the CLI goes on with the turn that was cut off. */
  prompt: Prompt | undefined;
}

/** Time in which a CLI begins to go on with a turn that was cut off. */
const GOES_ON_MS = 15_000;

/** Prompts and words to the CLI of a turn, and what comes of them. */
export function createConversation(services: Services, parts: ConversationParts & Others) {
  const { journal, time, log } = services;
  const endOf = createEndOf(services, parts.crashes);
  const kept = createKept(services, parts.caps, parts.reporter);
  const afterLimit = createAfterLimit(services, parts.limits, open, endOf);

  function markSent(turn: TurnRow, session: SessionRow): void {
    journal.write(() => {
      const sentAt = time.wall();
      journal.turns.change(turn.id, { state: "sent", sentAt, sessionId: session.id, tries: turn.tries + 1 });
      journal.sessions.change(session.id, { lastTurnAt: sentAt });
      if (turn.messageId !== null) journal.letters.mark(turn.messageId, turn.agentId, "turn");
    });
    parts.reached();
  }

  /** Words and stops of others, from when the run begins: also while no process has the turn. */
  function hearOthers(own: OwnTurn, { onMessage, signal }: RunHandle, words: Words): void {
    own.words = words;
    onMessage(words.add);
    const stop = () => {
      if (signal.reason instanceof RunStopped) own.stop("interrupt", signal.reason.message);
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  }

  /**
   * Opens the session of a turn. A stop does not wait for a CLI that starts: it is idle then, for the next turn. One that goes on with
   * the turn by itself has to be stopped.
   */
  async function open(own: OwnTurn, turn: TurnRow, row: SessionRow, continues: boolean): ReturnType<Opener> {
    const opening = parts.openFor(turn, row, continues);
    if (!continues) await Promise.race([opening, isHalted(own)]);
    if (own.isPaused) throw new Paused();
    if (continues || own.stopReason === undefined) return opening;
    void opening.then(
      ({ session }) => parts.live.use(session.id)(),
      () => undefined,
    );
    throw new RunStopped(own.stopReason);
  }

  /** Whether a CLI works on the turn that was cut off: one that died before it had stored the turn does not. */
  async function goesOn({ begun, exited }: Ears): Promise<boolean> {
    const patience = new AbortController();
    const silent = time.sleep(GOES_ON_MS, patience.signal).then(
      () => true,
      () => false,
    );
    const isSilent = await Promise.race([begun, exited, silent]);
    patience.abort();
    return isSilent !== true;
  }

  /** Gives a prompt to a CLI. One that has ended meanwhile says so by its exit: it crashed as any other. */
  async function give(native: NativeSession, input: TurnInput): Promise<void> {
    try {
      await native.send(input);
    } catch (error) {
      if (native.isRunning) throw error;
    }
  }

  /** One prompt and what comes of it, until its result, the end of its process, or a stop. */
  async function converse(own: OwnTurn, { turn, session, native, handle, prompt, ears }: Conversing): Promise<Ending> {
    own.native = native;
    const stopClock = parts.caps.clock(turn, session.id);
    own.conclude = () => {
      ears.conclude();
      void native.interrupt().catch(() => undefined);
      void parts.live.close(session.id, { graceMs: 2_000 });
    };
    own.tell = (text) => native.steer(inputOf(text)).catch(() => "refused" as const);
    try {
      if (own.isPaused) throw new Paused();
      if (own.isKept) return KEPT;
      if (prompt && own.stopReason !== undefined) return stopped(own, own.stopReason, stoppedBy(own.stopReason));
      markSent(turn, session);
      if (prompt) await give(native, { id: turn.id, ...prompt });
      own.sentAt = time.now();
      own.hasBegun();
      // A stop that came before the CLI had begun has stopped nothing.
      if (own.stopReason !== undefined) own.stop("interrupt", own.stopReason);
      if (!prompt && !(await goesOn(ears))) {
        if (own.stopReason !== undefined) return { outcome: "aborted", text: "", reason: own.stopReason };
        log(`The CLI of turn ${turn.id} does not go on with it, and gets the prompt again`);
        // Claude Code passes over an id that it has seen.
        const id = crypto.randomUUID();
        const messageId = turn.messageId ?? handle.run.messageId;
        if (messageId !== null) ears.words.set(id, messageId);
        ears.renew(id);
        await give(native, { id, ...(await promptFor(services, { turn, session, handle })) });
      }
      own.words?.open(native);
      const end = await endOf(own, { ended: ears.ended, exited: native.exited });
      return end.errorCode === "limited"
        ? await afterLimit(own, { turn, session, ears, move: (to) => move(own, ears, to) }, end)
        : end;
    } finally {
      own.words?.close();
      stopClock();
    }
  }

  function move(own: OwnTurn, ears: Ears, { id }: SessionRow): void {
    if (own.sessionId === id) return;
    parts.observations.moved(own.sessionId, id);
    void parts.reporter.report(own.sessionId, { runId: null });
    ears.to(id);
  }

  type Again = Pick<Conversing, "turn" | "handle" | "ears">;

  /** Goes on with a turn: its CLI continues it where it `mayContinue`, else gets the prompt again. */
  async function again(own: OwnTurn, on: Again, row: SessionRow, mayContinue: boolean): Promise<Ending> {
    on.ears.renew(mayContinue ? null : on.turn.id);
    move(own, on.ears, row);
    const { session, native } = await open(own, on.turn, row, mayContinue);
    move(own, on.ears, session);
    const unuse = parts.live.use(session.id);
    void parts.reporter.report(session.id, { runId: on.handle.id });
    const turn = journal.turns.get(on.turn.id) ?? on.turn;
    const goesOn = mayContinue && session.id === row.id;
    try {
      const prompt = goesOn ? undefined : await promptFor(services, { ...on, turn, session });
      return await converse(own, { ...on, turn, session, native, prompt });
    } finally {
      unuse();
    }
  }

  const isHalted = ({ halted: { signal } }: OwnTurn): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });

  function mayContinue(turn: TurnRow, { provider, nativeId }: SessionRow): boolean {
    const isKnown = nativeId !== null && journal.turns.get(turn.id)?.sentAt !== null;
    return isKnown && runnableOf(services, provider).provider.capabilities.continueTurn;
  }

  /** Session in which a turn goes on after one conversation, or its end. */
  async function next(own: OwnTurn, turn: TurnRow, met: Ending, mayCrash: boolean): Promise<SessionRow | Ending> {
    if (own.isKept) return kept.next(services, own);
    return (own.hasCrashed && mayCrash && parts.crashes.next(turn, own.sessionId)) || met;
  }

  /** Goes on with a turn after each limit and cap that it meets, and once where its CLI has crashed or was stuck. */
  async function afterEnd(own: OwnTurn, on: Again, met: Ending): Promise<Ending> {
    let mayCrash = true;
    for (let end = met; ; ) {
      const { handedTo, isRestarting } = own;
      Object.assign(own, { handedTo: undefined, isRestarting: false });
      if (handedTo) {
        await Promise.race([parts.turnIn(handedTo.id, own)?.done, isHalted(own)]);
        end = (await kept.untilFree(own, handedTo)) ?? (await again(own, on, handedTo, false));
      } else if (isRestarting) end = await again(own, on, parts.crashes.restarted(on.turn, own.sessionId), false);
      else {
        const row = await next(own, on.turn, end, mayCrash);
        if ("outcome" in row) return row;
        mayCrash &&= !own.hasCrashed;
        own.hasCrashed = false;
        end = await again(own, on, row, mayContinue(on.turn, row));
      }
    }
  }

  return { open, converse, afterEnd, hearOthers, untilFree: kept.untilFree };
}
