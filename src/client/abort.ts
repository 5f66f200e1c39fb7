/** Own signal that also fires when the caller's does. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Detaches from the caller's signal, which may live as long as the program. */
  dispose(): void;
}

/**
 * Links a new signal to `outer`. Several runtimes keep the results of `AbortSignal.any` alive as long as the outer signal, and a
 * worker makes one with every call.
 */
export function linkedAbort(outer?: AbortSignal): LinkedAbort {
  const own = new AbortController();
  const pass = () => own.abort(outer?.reason);
  if (outer?.aborted) pass();
  else outer?.addEventListener("abort", pass, { once: true });
  return {
    signal: own.signal,
    abort: (reason) => own.abort(reason),
    dispose: () => outer?.removeEventListener("abort", pass),
  };
}
