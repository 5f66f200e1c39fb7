/** A signal of our own that also fires when the caller's does. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Lets go of the caller's signal, which may live as long as the program. */
  dispose(): void;
}

/**
 * Ties a new signal to `outer`. Written out because `AbortSignal.any` keeps what it made alive for as long as the outer
 * signal lives, in more than one runtime: a worker makes one with every call.
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
