import type { Command, CommandOf } from "../../protocol/commands.ts";
import { counted } from "../counted.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Done, Hands } from "./hands.ts";

interface Held {
  mode: "interrupt" | "kill";
  /** null: all sessions. */
  sessionIds: string[] | null;
}

type Seen = "interrupted" | "killed" | "idle" | "failed";

const FACT = "holds";

/**
 * Holds of the relay: what they cover does not begin, also after a restart, until they are lifted. A hold stands, and is lifted, in
 * the write that stores its command, so once and in the relay's order. What it stops waits at the gate.
 */
export function createHolds({ services, turns, live }: Hands) {
  const { journal, log } = services;
  let waiting: (() => void)[] = [];

  const all = (): Record<string, Held> => JSON.parse(journal.fact(FACT) ?? "{}");
  const store = (holds: Record<string, Held>): void => journal.setFact(FACT, JSON.stringify(holds));

  function covers({ sessionIds }: Held, turn: TurnRow): boolean {
    if (sessionIds === null) return true;
    const main = journal.sessions.main(turn.agentId, turn.sessionKey)?.id;
    return [turn.plan.sessionId, turn.sessionId, main].some((id) => id != null && sessionIds.includes(id));
  }

  const isHeld = (turn: TurnRow): boolean => Object.values(all()).some((held) => covers(held, turn));

  /** The relay lifts a hold in steps: each names the sessions that go on. */
  function lift({ holdId, sessionIds }: CommandOf<"resume">): void {
    const { [holdId]: held, ...rest } = all();
    const later = sessionIds && held?.sessionIds?.filter((id) => !sessionIds.includes(id));
    if (held) store(later?.length ? { ...rest, [holdId]: { ...held, sessionIds: later } } : rest);
  }

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
    isHeld,

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

    /** Notes a command, in the write that stores it. */
    note(command: Command): void {
      if (command.do === "resume") lift(command);
      if (command.do !== "hold") return;
      const { holdId, mode, sessionIds } = command;
      store({ ...all(), [holdId]: { mode, sessionIds: sessionIds ?? null } });
    },

    /** Stops what a hold covers. After a restart it may have been lifted, in part or whole. */
    async hold({ holdId }: CommandOf<"hold">): Promise<Done> {
      const held = all()[holdId];
      if (!held) return { text: "It was lifted before." };
      const ids = held.sessionIds ?? live.ids();
      const sessions = await Promise.all(ids.map((id) => stop(id, held.mode)));
      log(`Held: ${counted(sessions.length, "session")}`, { holdId });
      const text = sessions.map(({ sessionId, seen }) => `${sessionId} ${seen}`).join("\n") || "Nothing ran.";
      return { sessions, text };
    },

    async resume(_: CommandOf<"resume">): Promise<Done> {
      const woken = waiting;
      waiting = [];
      for (const resolve of woken) resolve();
      return { text: "What it stopped goes on." };
    },
  };
}
