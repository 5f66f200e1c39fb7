import type { CommandOf } from "../../protocol/commands.ts";
import { counted } from "../counted.ts";
import type { TurnRow } from "../journal/turns.ts";
import { goOn } from "../recovery.ts";
import type { Done, Hands } from "./hands.ts";

interface Held {
  mode: "interrupt" | "kill";
  /** null: all sessions. */
  sessionIds: string[] | null;
}

type Seen = "interrupted" | "killed" | "idle" | "failed";

const FACT = "holds";

/** Holds of the relay: what they cover does not begin, also after a restart, until they are lifted. */
export function createHolds({ services, turns, live, lanes }: Hands) {
  const { journal, log } = services;
  let waiting: (() => void)[] = [];

  const all = (): Record<string, Held> => JSON.parse(journal.fact(FACT) ?? "{}");
  const store = (holds: Record<string, Held>): void =>
    journal.write(() => journal.setFact(FACT, JSON.stringify(holds)));

  function covers({ sessionIds }: Held, turn: TurnRow): boolean {
    if (sessionIds === null) return true;
    const main = journal.sessions.main(turn.agentId, turn.sessionKey)?.id;
    return [turn.plan.sessionId, turn.sessionId, main].some((id) => id != null && sessionIds.includes(id));
  }

  const isHeld = (turn: TurnRow): boolean => Object.values(all()).some((held) => covers(held, turn));

  async function stop(
    sessionId: string,
    mode: Held["mode"],
  ): Promise<{ sessionId: string; seen: Seen; detail?: string }> {
    const running = turns.in(sessionId);
    if (!running) return { sessionId, seen: "idle" };
    const left = await running.pause();
    if (left > 0) return { sessionId, seen: "failed", detail: `${left} of its processes did not end.` };
    return { sessionId, seen: mode === "kill" ? "killed" : "interrupted" };
  }

  return {
    /** Gate for turns. */
    async gate(turn: TurnRow, signal: AbortSignal): Promise<void> {
      while (isHeld(turn)) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      signal.throwIfAborted();
    },

    async hold({ holdId, mode, sessionIds }: CommandOf<"hold">): Promise<Done> {
      store({ ...all(), [holdId]: { mode, sessionIds: sessionIds ?? null } });
      const ids = sessionIds ?? live.ids();
      const sessions = await Promise.all(ids.map((id) => stop(id, mode)));
      log(`Held: ${counted(sessions.length, "session")}`, { holdId });
      const text = sessions.map(({ sessionId, seen }) => `${sessionId} ${seen}`).join("\n") || "Nothing ran.";
      return { sessions, text };
    },

    /** The relay lifts a hold in steps: each names the sessions that go on. */
    async resume({ holdId, sessionIds }: CommandOf<"resume">): Promise<Done> {
      const { [holdId]: lifted, ...rest } = all();
      const later = sessionIds && lifted?.sessionIds?.filter((id) => !sessionIds.includes(id));
      store(lifted && later?.length ? { ...rest, [holdId]: { ...lifted, sessionIds: later } } : rest);
      const woken = waiting;
      waiting = [];
      for (const resolve of woken) resolve();
      const paused = journal.turns
        .open()
        .filter((turn) => turn.end === null && !turns.get(turn.id) && !lanes.has(turn.id) && !isHeld(turn));
      for (const turn of paused) goOn(services, turns, turn, lanes.offer);
      return { text: lifted ? `Lifted. Turns that go on: ${paused.length}.` : "It was lifted before." };
    },
  };
}
