/** Slots of a worker, one for each item at a time. */
export interface Slots {
  readonly free: number;
  isEmpty(): boolean;
  /** Whether a slot holds this message. */
  has(messageId: number): boolean;
  /** Takes a slot until `done` settles, even one more than there are. */
  take(messageId: number, done: Promise<void>): void;
  /** Resolves when a slot is free. */
  whenFree(): Promise<void>;
  /** Resolves when all slots are free. */
  whenEmpty(): Promise<void>;
}

export function createSlots(count: number): Slots {
  // Objects, not ids: an item that was lost and claimed again takes two slots until its first handler ends.
  const busy = new Set<{ messageId: number; done: Promise<void> }>();
  let waiting: (() => void)[] = [];
  const nextToLeave = () => new Promise<void>((resolve) => waiting.push(resolve));
  const leave = () => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };

  return {
    get free() {
      return count - busy.size;
    },
    isEmpty: () => busy.size === 0,
    has: (messageId) => [...busy].some((slot) => slot.messageId === messageId),
    take(messageId, done) {
      const slot = { messageId, done };
      busy.add(slot);
      void done.finally(() => {
        busy.delete(slot);
        leave();
      });
    },
    async whenFree() {
      while (busy.size >= count) await nextToLeave();
    },
    async whenEmpty() {
      while (busy.size > 0) await nextToLeave();
    },
  };
}
