import type { RunHandle } from "../../client/run-handle.ts";
import type { Exit, SessionEvent } from "../../harness/providers/provider.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { LiveSessions } from "../sessions/live.ts";
import { reportEvent } from "./events.ts";
import type { OwnTurn } from "./own.ts";
import { createResults } from "./running.ts";

export type Ears = ReturnType<typeof listenIn>;

/** Everything that a turn hears of its session, from before its process starts. */
export function listenIn(live: LiveSessions, own: OwnTurn, turn: TurnRow, handle: RunHandle, continues: boolean) {
  let results = createResults(continues ? null : turn.id);
  let exited = Promise.withResolvers<Exit>();
  const words = new Map<string, number>();
  const messagesOf = (inputId: string): number[] => {
    const id = inputId === turn.id ? (turn.messageId ?? handle.run.messageId) : words.get(inputId);
    return id === undefined || id === null ? [] : [id];
  };
  const leaves: (() => void)[] = [];
  const leave = (): void => {
    for (const one of leaves.splice(0)) one();
  };
  return {
    leave,
    words,
    /** The CLI works on a turn. */
    get begun() {
      return results.begun;
    },
    get ended() {
      return results.ended;
    },
    get exited() {
      return exited.promise;
    },
    conclude: (): void => results.conclude(),
    /** Waits for the result of another input, or of the turn that the CLI continues. */
    renew(inputId: string | null): void {
      results = createResults(inputId);
      exited = Promise.withResolvers();
    },
    /** Hears this session, and no other one any more. */
    to(sessionId: string): void {
      leave();
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
  };
}
