/** Processes at a time. Who finds no room waits for one; `makeRoom` ends an idle process. */
export function createRooms(count: number, makeRoom: () => boolean) {
  const taken = new Set<string>();
  let waiting: (() => void)[] = [];

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  return {
    async enter(id: string, signal: AbortSignal): Promise<void> {
      while (taken.size >= count) {
        signal.throwIfAborted();
        makeRoom();
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      taken.add(id);
    },
    leave(id: string): void {
      taken.delete(id);
      wake();
    },
    /** A process has become idle. */
    wake,
  };
}
