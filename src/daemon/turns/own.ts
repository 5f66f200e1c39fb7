import type { Exit, NativeSession } from "../../harness/providers/provider.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { RunningTurn } from "./running.ts";
import type { Words } from "./words.ts";

/** A turn that works, with the hands on it. */
export interface OwnTurn extends RunningTurn {
  sessionId: string;
  isWaiting?: boolean;
  native?: NativeSession;
  words?: Words;
  stopReason?: string;
  /** Sentence of its end, where it may not do what it needs. */
  refusal?: string;
  isPaused?: boolean;
  /** End of its process, where that had begun after the pause. */
  exit?: Exit | undefined;
  /** A cap has ended its process: it goes on once it may. */
  isKept?: boolean;
  /** Its process was ended because it was stuck: it begins again. */
  isRestarting?: boolean;
  hasRestarted?: boolean;
  /** Session of another provider in which it goes on. */
  handedTo?: SessionRow | undefined;
  /** Its process has ended before its result. */
  hasCrashed?: boolean;
  /** Fires when it is paused or stopped. */
  halted: AbortController;
  hasBegun(): void;
}

/** A turn that has not begun, with its hands. */
export function ownTurn(live: LiveSessions, turn: TurnRow, session: SessionRow): OwnTurn {
  const begun = Promise.withResolvers<void>();
  const own: OwnTurn = {
    ...{ turn, sessionId: session.id, isEnded: false, sent: begun.promise, done: Promise.resolve() },
    hasBegun: begun.resolve,
    halted: new AbortController(),
    async pause() {
      own.isPaused = true;
      own.halted.abort();
      const exit = await live.close(own.sessionId, { isStopped: true });
      await own.done;
      return (own.exit ?? exit)?.left.length ?? 0;
    },
    keep() {
      if (own.isKept || own.isEnded) return;
      own.isKept = true;
      void live.close(own.sessionId);
    },
    restart() {
      if (own.hasRestarted || own.turn.plan.hasRestarted || own.isEnded) return false;
      own.hasRestarted = true;
      own.isRestarting = true;
      void live.close(own.sessionId, { graceMs: 2_000 });
      return true;
    },
    refuse(error) {
      if (own.isEnded || own.stopReason !== undefined) return;
      own.refusal = error;
      own.stop("interrupt", error);
    },
    stop(how, reason) {
      own.stopReason ??= reason;
      own.halted.abort();
      if (how === "kill") return void live.close(own.sessionId, { isStopped: true });
      live.leaveQueue(own.sessionId);
      if (own.native) void live.interrupt(own.sessionId);
    },
  };
  return own;
}
