import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { runnableOf, type Services } from "../services.ts";
import type { Tell } from "../sessions/open.ts";
import { newSession } from "../sessions/rows.ts";

/** So many crashes of an agent's CLI in this time are a fault that a repeat does not mend. */
const MOST = 3;
const WINDOW_MS = 600_000;

/** Words for the model of a turn that begins again. */
const AGAIN =
  "Your process gave no sign, and was ended. You begin the work below again. Look first at what is done already: a tool that ran may run twice.";

export type Crashes = ReturnType<typeof createCrashes>;

/** Crashes of CLIs in the middle of turns. Each turn goes on once, unless its CLI crashes over and over. */
export function createCrashes(services: Services, tell: Tell) {
  const { journal, config, time, log } = services;
  const seen = new Map<string, number[]>();
  const recent = (agentId: string): number[] =>
    (seen.get(agentId) ?? []).filter((at) => at > time.now() - WINDOW_MS).slice(-MOST);

  return {
    /** Session in which a turn begins again that was stuck. Its dialogue goes on where there is one. */
    restarted(turn: TurnRow, sessionId: string): SessionRow {
      const now = journal.turns.get(turn.id) ?? turn;
      const before = journal.sessions.get(sessionId);
      log(`Turn ${turn.id} was stuck, and begins again`, { sessionId });
      tell(turn, "My program gave no sign and was ended. I begin this again. A tool that ran may run twice.");
      return journal.write(() => {
        journal.turns.change(turn.id, { plan: { ...now.plan, hasRestarted: true } });
        const row = before && before.state !== "dead" ? before : newSession(services, now);
        return journal.sessions.save({ ...row, note: [row.note, AGAIN].filter(Boolean).join("\n\n") });
      });
    },
    /** Notes that the CLI of a turn has ended before its result. */
    note({ agentId }: TurnRow): void {
      seen.set(agentId, [...recent(agentId), time.now()]);
    },
    /** Session in which a turn goes on after a crash, once its person was told; undefined: the turn ends with it. */
    next(turn: TurnRow, sessionId: string): SessionRow | undefined {
      const row = journal.sessions.get(sessionId);
      const isGivenBack = (turn.plan.onInterrupt ?? config.onInterrupt) === "give-back";
      if (isGivenBack || !row || row.nativeId === null || row.state === "dead") return undefined;
      if (!runnableOf(services, row.provider).provider.capabilities.resume) return undefined;
      if (recent(turn.agentId).length >= MOST) {
        log(`The CLI of ${turn.agentId} has crashed ${MOST} times in 10 minutes. Its turns end with the error.`);
        return undefined;
      }
      log(`Turn ${turn.id} goes on in session ${row.id}, whose CLI has crashed`);
      tell(turn, "My program crashed in the middle of this. I go on once more. A tool that ran may run twice.");
      return row;
    },
  };
}
