/** One call of a session that has not been answered yet. */
export interface Flight {
  signal: AbortSignal;
  end(): void;
}

/**
 * Running calls of sessions in this process, which a client can cancel by another request. Otherwise a wait for work would go on,
 * and claim for a client that has left.
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
