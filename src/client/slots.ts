export type Slots<Key> = ReturnType<typeof createSlots<Key>>;

/** Slots of a worker, one for each item at a time. */
export function createSlots<Key>(count: number) {
  // Objects, not keys: an item that was lost and claimed again takes two slots until its first handler ends.
  const busy = new Set<{ key: Key; done: Promise<void> }>();
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
    /** Whether a slot holds this item. */
    has: (key: Key) => [...busy].some((slot) => slot.key === key),
    /** Takes a slot until `done` settles, even one more than there are. */
    take(key: Key, done: Promise<void>) {
      const slot = { key, done };
      busy.add(slot);
      void done.finally(() => {
        busy.delete(slot);
        leave();
      });
    },
    /** Resolves when a slot is free. */
    async whenFree() {
      while (busy.size >= count) await nextToLeave();
    },
    /** Resolves when all slots are free. */
    async whenEmpty() {
      while (busy.size > 0) await nextToLeave();
    },
  };
}
