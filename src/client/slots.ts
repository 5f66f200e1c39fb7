/** The places of one worker: so many items are worked on at a time. */
export interface Bench {
  readonly free: number;
  isEmpty(): boolean;
  /** Whether somebody works on this message. */
  has(messageId: number): boolean;
  /** Takes a place until `done` settles; one more than there are is not refused. */
  take(messageId: number, done: Promise<void>): void;
  /** Resolves once a place is free. */
  seat(): Promise<void>;
  /** Resolves once nobody works any more. */
  empty(): Promise<void>;
}

export function createBench(places: number): Bench {
  // A set of its own objects: an item that was lost and claimed again is there twice while its first handler winds up.
  const busy = new Set<{ messageId: number; done: Promise<void> }>();
  let waiting: (() => void)[] = [];
  const nextToLeave = () => new Promise<void>((resolve) => waiting.push(resolve));
  const leave = () => {
    const told = waiting;
    waiting = [];
    for (const resolve of told) resolve();
  };

  return {
    get free() {
      return places - busy.size;
    },
    isEmpty: () => busy.size === 0,
    has: (messageId) => [...busy].some((seat) => seat.messageId === messageId),
    take(messageId, done) {
      const seat = { messageId, done };
      busy.add(seat);
      void done.finally(() => {
        busy.delete(seat);
        leave();
      });
    },
    async seat() {
      while (busy.size >= places) await nextToLeave();
    },
    async empty() {
      while (busy.size > 0) await nextToLeave();
    },
  };
}
