import { untilAnswered } from "./patience.ts";
import type { Readiness } from "./readiness.ts";
import type { Session } from "./session.ts";
import type { Beat, HostProcess } from "./standby.ts";

/** Options of the last calls: a stopping adapter does not wait long for the relay. */
const LAST_WORD = { retries: 1, timeoutMs: 3_000 };

export const beatOf = ({ host, pid }: HostProcess, beat: number, deaf: string | null): Beat => ({
  beat,
  host,
  pid,
  deaf,
});

/** Reports this adapter's presence and readiness to the relay and to waiting adapters. One write at a time. */
export function createPulse({ client, channelId, timing, here, beatMs }: Session) {
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** Keeps the entries of others in the agent's meta. */
  async function write({ ready, reason }: Readiness, signal?: AbortSignal): Promise<void> {
    const { meta } = await client.agents.get(channelId, { signal, retries: 0 });
    const adapter = beatOf(here, ++count, reason);
    await client.agents.patch(channelId, { ready, meta: { ...meta, adapter } }, { signal, retries: 0 });
  }

  function inTurn(task: () => Promise<void>): Promise<void> {
    const done = last.then(task);
    last = done.catch(() => undefined);
    return done;
  }

  return {
    /** Writes at once; after a failure the next beat writes it. */
    tell: (readiness: Readiness) => void inTurn(() => write(readiness)).catch(() => undefined),

    /** Beats until the signal fires. @throws RelayProblem when the relay no longer knows this adapter */
    async beat(signal: AbortSignal, readiness: Readiness): Promise<void> {
      while (!signal.aborted) {
        await timing.sleep(beatMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        await inTurn(() => untilAnswered(timing, signal, () => write(readiness, signal))).catch((error) => {
          if (!signal.aborted) throw error;
        });
      }
    },

    /** Reports the end, so that a waiting adapter takes over at once. */
    leave: () =>
      inTurn(async () => {
        const { meta } = await client.agents.get(channelId, LAST_WORD);
        const { adapter: _, ...rest } = meta ?? {};
        await client.agents.patch(channelId, { status: "offline", ready: false, meta: rest }, LAST_WORD);
      }),
  };
}
