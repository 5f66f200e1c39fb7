/** Acknowledges a moving position in few calls: one at a time, always the newest. */
export interface Acker {
  /** Everything up to here may be acknowledged. */
  upTo(id: number): void;
  /** Repeats a failed acknowledgement. */
  nudge(): void;
  /** Resolves after the last acknowledgement; rejects when that failed. */
  flush(): Promise<void>;
}

/** @param ack one call @param onError called for each failure; the acknowledgement stays due until the next nudge */
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
