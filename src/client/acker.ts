/** Acknowledges a moving place with as few calls as there is time for: one at a time, always the newest. */
export interface Acker {
  /** Everything up to here is dealt with. */
  upTo(id: number): void;
  /** Tries again what did not get through. */
  nudge(): void;
  /** Resolves when it got through; rejects when the last try did not. */
  flush(): Promise<void>;
}

/** `ack` is one call; `onError` is told of each that failed, and what is owed stays owed until the next nudge. */
export function createAcker(ack: (upTo: number) => Promise<unknown>, onError: (error: unknown) => void): Acker {
  let owed = 0;
  let acked = 0;
  let running: Promise<void> | undefined;

  async function settle(): Promise<void> {
    while (acked < owed) {
      const upTo = owed;
      await ack(upTo);
      acked = upTo;
    }
  }

  function nudge() {
    running ??= settle()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  }

  return {
    upTo(id) {
      owed = id;
      nudge();
    },
    nudge,
    async flush() {
      await running;
      await settle();
    },
  };
}
