import type { Client } from "../client/client.ts";
import type { Timing } from "../client/timing.ts";
import { untilAnswered } from "./patience.ts";
import type { Readiness } from "./readiness.ts";
import type { Beat, Whereabouts } from "./standby.ts";

export interface PulseParts {
  client: Client;
  channelId: string;
  timing: Timing;
  here: Whereabouts;
  beatMs: number;
}

/** Who stops does not wait long for a relay that does not answer. */
const LAST_WORD = { retries: 1, timeoutMs: 3_000 };

export const beatOf = ({ host, pid }: Whereabouts, beat: number, deaf: string | null): Beat => ({
  beat,
  host,
  pid,
  deaf,
});

/** Says to the relay, and to adapters that wait, that this one is there and how it is. One write at a time. */
export function createPulse({ client, channelId, timing, here, beatMs }: PulseParts) {
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** What others keep in the agent's meta stays. */
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
    /** At once; what fails is told with the next beat. */
    tell: (readiness: Readiness) => void inTurn(() => write(readiness)).catch(() => undefined),

    /** Until the signal fires. Rejects when the relay no longer knows this adapter. */
    async beat(signal: AbortSignal, readiness: Readiness): Promise<void> {
      while (!signal.aborted) {
        await timing.sleep(beatMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        await inTurn(() => untilAnswered(timing, signal, () => write(readiness, signal))).catch((error) => {
          if (!signal.aborted) throw error;
        });
      }
    },

    /** Whoever waits need not wait any longer. */
    leave: () =>
      inTurn(async () => {
        const { meta } = await client.agents.get(channelId, LAST_WORD);
        const { adapter: _, ...rest } = meta ?? {};
        await client.agents.patch(channelId, { status: "offline", ready: false, meta: rest }, LAST_WORD);
      }),
  };
}
