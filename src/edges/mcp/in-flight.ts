/** One call of a session that has not been answered yet. */
export interface Flight {
  signal: AbortSignal;
  end(): void;
}

/**
 * Calls of sessions that are being carried out in this process, so that a client can take one back by another request. Without
 * it a wait for work would go on, and claim for a client that has left; after a restart there is none to take back.
 */
export function createInFlight() {
  const flights = new Map<string, AbortController>();
  const keyOf = (sessionId: string, requestId: unknown) => JSON.stringify([sessionId, requestId]);

  return {
    begin(sessionId: string, requestId: unknown): Flight {
      const key = keyOf(sessionId, requestId);
      const controller = new AbortController();
      flights.set(key, controller);
      return {
        signal: controller.signal,
        end() {
          if (flights.get(key) === controller) flights.delete(key);
        },
      };
    },
    cancel: (sessionId: string, requestId: unknown): void => flights.get(keyOf(sessionId, requestId))?.abort(),
    size: (): number => flights.size,
  };
}
