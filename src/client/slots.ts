/** Slots of a worker, one for each item at a time. */
export interface Bench {
  readonly free: number;
  isEmpty(): boolean;
  /** Whether a slot holds this message. */
  has(messageId: number): boolean;
  /** Takes a slot until `done` settles, even one more than there are. */
  take(messageId: number, done: Promise<void>): void;
  /** Resolves when a slot is free. */
  seat(): Promise<void>;
  /** Resolves when all slots are free. */
  empty(): Promise<void>;
}

export function createBench(places: number): Bench {
  // Objects, not ids: an item that was lost and claimed again takes two slots until its first handler ends.
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
