export type Acker = ReturnType<typeof createAcker>;

/**
 * Acknowledges a moving position in few calls: one at a time, always the newest.
 * @param ack one call @param onError called for each failure; the acknowledgement stays due until the next nudge
 */
export function createAcker(ack: (upTo: number) => Promise<unknown>, onError: (error: unknown) => void) {
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

  /** Repeats a failed acknowledgement. */
  function nudge() {
    running ??= settle()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  }

  return {
    /** Everything up to here may be acknowledged. */
    upTo(id: number) {
      owed = id;
      nudge();
    },
    nudge,
    /** Resolves after the last acknowledgement; rejects when that failed. */
    async flush() {
      await running;
      await settle();
    },
  };
}
