import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import type { Opened } from "../sessions/open.ts";
import type { Limits } from "../supervision/limits.ts";
import type { Ears } from "./ears.ts";
import type { Ending } from "./end.ts";
import { type EndOf, KEPT, stoppedBy } from "./endings.ts";
import { keepForLater } from "./kept.ts";
import type { OwnTurn } from "./own.ts";
import { inputOf } from "./prompt.ts";
import { Paused } from "./running.ts";

/** Words for the CLI once a limit is over. */
const GO_ON = "The limit of your provider is over. Go on with what you were asked for.";

interface Limited {
  turn: TurnRow;
  session: SessionRow;
  ears: Ears;
  /** Moves the turn to another session, at once. */
  move(to: SessionRow): void;
}

/** Opens the session of a turn, unless it is stopped. */
type Open = (own: OwnTurn, turn: TurnRow, session: SessionRow, continues: boolean) => Promise<Opened>;

/** Turns that met a limit of their provider. */
export function createAfterLimit({ journal, life }: Services, limits: Limits, open: Open, endOf: EndOf) {
  /** Keeps a turn that its provider limits, with its run and its lease, until it may go on. A limit is no attempt. */
  async function afterLimit(own: OwnTurn, on: Limited, met: Ending): Promise<Ending> {
    const { turn, session, ears, move } = on;
    for (let end = met; ; ) {
      const isOver = end.errorCode !== "limited" || own.stopReason !== undefined;
      if (isOver || !limits.isRejected(session.provider)) return end;
      keepForLater(journal, turn, session);
      const signal = AbortSignal.any([own.halted.signal, life]);
      own.isWaiting = true;
      own.words?.close();
      const standIn = await limits.again(turn.id, session, signal, move).catch((error) => {
        if (!signal.aborted) throw error;
        return undefined;
      });
      own.isWaiting = false;
      life.throwIfAborted();
      if (own.isPaused) throw new Paused();
      if (own.stopReason !== undefined) return stoppedBy(own.stopReason);
      own.handedTo = standIn;
      if (standIn || own.isKept) return KEPT;
      const input = { ...inputOf(GO_ON), provenance: { kind: "relay" as const, from: "relay" } };
      ears.renew(input.id);
      const { native } = await open(own, turn, session, false);
      own.native = native;
      journal.write(() => journal.turns.change(turn.id, { state: "sent" }));
      await native.send(input);
      own.words?.open(native);
      end = await endOf(own, ears);
    }
  }

  return afterLimit;
}
