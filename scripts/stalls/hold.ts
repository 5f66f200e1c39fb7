/** How long each turn of the event loop takes, as seen by a chain of immediates. */
export function createWatch() {
  let worst = 0;
  let last = performance.now();
  let running = true;

  function turn(): void {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
    if (running) setImmediate(turn);
  }
  setImmediate(turn);

  return {
    /** The longest turn while `work` ran, in milliseconds. */
    async during(work: () => Promise<unknown>): Promise<number> {
      await new Promise((resolve) => setTimeout(resolve, 5));
      worst = 0;
      await work();
      // The turn that answered has to end before it counts.
      await new Promise((resolve) => setTimeout(resolve, 5));
      return worst;
    },
    stop(): void {
      running = false;
    },
  };
}

export type Watch = ReturnType<typeof createWatch>;
