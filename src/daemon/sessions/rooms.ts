/** Most processes at a time, of all agents and of one. */
export interface RoomLimits {
  all: number;
  agent: number;
}

/** Processes at a time. A session that finds no room waits for one; `makeRoom` ends an idle process, of one agent where it is named. */
export function createRooms(makeRoom: (agentId: string | undefined) => boolean) {
  /** Agents of the sessions that have a room. */
  const taken = new Map<string, string>();
  let waiting: (() => void)[] = [];

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  const countOf = (agentId: string): number => [...taken.values()].filter((one) => one === agentId).length;

  return {
    hasRoom: (agentId: string, { all, agent }: RoomLimits): boolean => taken.size < all && countOf(agentId) < agent,
    /** `limits`: asked before each look, since caps change. */
    async enter(id: string, agentId: string, limits: () => RoomLimits, signal: AbortSignal): Promise<void> {
      for (;;) {
        const { all, agent } = limits();
        const isAgentFull = countOf(agentId) >= agent;
        if (taken.size < all && !isAgentFull) break;
        signal.throwIfAborted();
        makeRoom(isAgentFull ? agentId : undefined);
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      taken.set(id, agentId);
    },
    leave(id: string): void {
      taken.delete(id);
      wake();
    },
    /** A process has become idle, or caps have changed. */
    wake,
  };
}
