import { linkedAbort } from "./abort.ts";
import type { Caller } from "./caller.ts";
import { RelayMismatch, RelayProblem, RelayUnreachable } from "./errors.ts";
import type { Opening } from "./transport.ts";

/** The relay writes a comment every 15 s; three missing ones mean that the connection is dead. */
const SILENCE_MS = 45_000;

/**
 * Bytes of one streamed answer, read only as fast as the caller asks. Never ends by itself: rejects with `RelayProblem` when
 * refused, with `RelayUnreachable` when the connection fails, ends or is silent for 45 s, and with the reason of `signal`. Leaving
 * the loop closes the connection.
 */
export async function* bytesOf(
  { transport, timing }: Caller,
  opening: Opening,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, never, void> {
  const link = linkedAbort(signal);

  async function beforeSilence<T>(step: Promise<T>): Promise<T> {
    const watch = linkedAbort(link.signal);
    const silence = timing.sleep(SILENCE_MS, watch.signal).then(() => {
      throw new RelayUnreachable(transport.base, `nothing for ${SILENCE_MS / 1000} s`);
    });
    try {
      return await Promise.race([step, silence]);
    } finally {
      watch.abort(undefined);
      watch.dispose();
    }
  }

  try {
    const body = await beforeSilence(transport.open(opening, link.signal));
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await beforeSilence(reader.read());
      if (done) throw new RelayUnreachable(transport.base, "the stream ended");
      yield value;
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const isKnown = [RelayProblem, RelayUnreachable, RelayMismatch].some((kind) => error instanceof kind);
    throw isKnown ? error : new RelayUnreachable(transport.base, String(error), { cause: error });
  } finally {
    link.abort(undefined);
    link.dispose();
  }
}
