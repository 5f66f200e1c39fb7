import { HarnessError } from "../../harness/errors.ts";
import { SessionBusy, SessionMissing } from "../../harness/providers/errors.ts";
import type { NativeSession } from "../../harness/providers/provider.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { newSessionId, type Services } from "../services.ts";
import { digestOf } from "./digest.ts";
import type { LiveSessions } from "./live.ts";
import type { Reporter } from "./reporter.ts";

/** Session of a turn, with its process. */
export interface Opened {
  session: SessionRow;
  native: NativeSession;
}

/** Words on a dialogue that its CLI has no more: to the new session, and to the person. */
const LOST = {
  note: "Your former session was lost, with what it remembered.",
  told: "The former session was lost. I go on in a new one, with the newest messages of this dialogue.",
};
/** Words on a copy of a dialogue that its CLI has not stored: a young one, or one that is gone. */
const NO_COPY = {
  note: "This dialogue could not be copied, so you begin anew, with its newest messages.",
  told: "The session could not be copied. This goes on in a new one, with the newest messages of this dialogue.",
};

export type Opener = ReturnType<typeof createOpener>;

/** Opens sessions for turns. A native dialogue that is gone is replaced by a new one with a digest, and the person is told. */
export function createOpener(services: Services, live: LiveSessions, reporter: Reporter, tell: Tell) {
  const { journal, log, time } = services;

  async function replaced(turn: TurnRow, lost: SessionRow): Promise<Opened> {
    const isCopy = lost.nativeId === null;
    const digest = await digestOf(services, turn.agentId, turn.plan.feedTo ?? turn.sessionKey, turn.messageId);
    const session = journal.write(() => {
      journal.sessions.change(lost.id, { isMain: false, state: "dead", endedAt: time.wall() });
      const note = [lost.note, isCopy ? NO_COPY.note : LOST.note, digest].filter(Boolean).join("\n\n");
      return journal.sessions.save({
        ...lost,
        ...{
          id: newSessionId(),
          nativeId: null,
          forkOf: null,
          forkAt: null,
          mark: null,
          pid: null,
          startTicks: null,
          fence: null,
          note,
        },
        ...{ state: "starting", createdAt: time.wall(), meter: lost.meter ?? lost.id },
      });
    });
    void reporter.report(lost.id, {
      reason: isCopy ? "Its copy could not be made." : "Its CLI has no such session any more.",
    });
    log(`Session ${lost.id} is lost, and replaced by ${session.id}`);
    tell(turn, isCopy ? NO_COPY.told : LOST.told);
    return { session, native: await live.open(session) };
  }

  return async (turn: TurnRow, session: SessionRow, continueTurn: boolean): Promise<Opened> => {
    try {
      const native = await live.open(session, continueTurn);
      return { session: journal.sessions.get(session.id) ?? session, native };
    } catch (error) {
      if (error instanceof SessionMissing) return replaced(turn, session);
      if (error instanceof SessionBusy)
        throw new HarnessError("problem", `${error.message} End it there, or kill this session.`);
      throw error;
    }
  };
}

/** Tells the person of a turn something, once. */
export type Tell = (turn: TurnRow, text: string) => void;
