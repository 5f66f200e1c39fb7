import type { Journal } from "../journal/journal.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import type { Reporter } from "../sessions/reporter.ts";
import { newSession } from "../sessions/rows.ts";
import type { Caps } from "../supervision/caps.ts";
import type { Ending } from "./end.ts";
import { stoppedBy } from "./endings.ts";
import type { OwnTurn } from "./own.ts";
import { Paused } from "./running.ts";

/** A daemon that begins meanwhile gives the turn to its session anew, once it may. A wait is no attempt. */
export function keepForLater(journal: Journal, turn: TurnRow, { id: sessionId }: SessionRow): void {
  journal.write(() => {
    const { plan, tries } = journal.turns.get(turn.id) ?? turn;
    journal.turns.change(turn.id, {
      state: "queued",
      tries: Math.max(0, tries - 1),
      plan: { ...plan, sessionId, wasCut: true },
    });
  });
}

/** Turns that wait at caps, each with its run and its lease. */
export function createKept({ journal, life, log }: Services, caps: Caps, reporter: Reporter) {
  /** @returns its end where a person has stopped it */
  async function untilFree(own: OwnTurn, session: SessionRow): Promise<Ending | undefined> {
    const signal = AbortSignal.any([own.halted.signal, life]);
    const waits = (of: string): void => {
      own.isWaiting = true;
      const reason = `A cap of ${of} is reached, and a person is asked.`;
      void reporter.report(session.id, { reason, runId: own.handle?.id });
    };
    const refused = await caps.until(own.turn.id, session, { signal, waits }).catch((error) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    if (own.isWaiting) void reporter.report(session.id, { reason: null });
    own.isWaiting = false;
    life.throwIfAborted();
    if (own.isPaused) throw new Paused();
    return own.stopReason === undefined ? refused : stoppedBy(own.stopReason);
  }

  return {
    untilFree,
    /** Waits with a turn whose process a cap has ended. @returns the session in which it goes on, or its end */
    async next(services: Services, own: OwnTurn): Promise<SessionRow | Ending> {
      const before = journal.sessions.get(own.sessionId);
      if (!before) throw new Error(`the journal has no session ${own.sessionId}`);
      keepForLater(journal, own.turn, before);
      log(`Turn ${own.turn.id} waits at a cap`, { session: before.id });
      const refused = await untilFree(own, before);
      own.isKept = false;
      if (refused) return refused;
      const row = journal.sessions.get(before.id) ?? before;
      // A dead session had no dialogue yet to go on with.
      if (row.state !== "dead") return row;
      const turn = journal.turns.get(own.turn.id) ?? own.turn;
      return journal.write(() => journal.sessions.save(newSession(services, turn)));
    },
  };
}
