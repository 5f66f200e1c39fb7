import type { Agent } from "../agents/schema.ts";
import { RelayProblem } from "../client/errors.ts";
import type { Timing } from "../client/timing.ts";
import { untilAnswered } from "./patience.ts";

/**
 * One adapter an account. Whoever registers last is the adapter, and the relay refuses the one before it everything: that is
 * the fence. So that a second process waits instead of taking over, the one that serves counts up a beat in its agent's
 * `meta.adapter`, and registers only when the beat has stood still for long enough. No clock is compared with another.
 */
export interface Beat {
  beat: number;
  host: string;
  pid: number;
  /** Why nothing comes in at the moment. */
  deaf: string | null;
}

export interface Watch {
  timing: Timing;
  /** How often is looked, and for how long a beat has to stand still, in milliseconds. */
  lookMs: number;
  deadMs: number;
  /** The channel's agent as it is now. */
  look(): Promise<Agent | undefined>;
  onWait(): void;
}

/** Resolves when nobody serves the channel. */
export async function awaitTurn(watch: Watch, signal: AbortSignal): Promise<void> {
  const { timing, lookMs, deadMs } = watch;
  let mark: string | undefined;
  let stillMs = 0;
  for (;;) {
    const seen = markOf(await untilAnswered(timing, signal, () => watch.look()));
    if (seen === undefined) return;
    if (mark === undefined) watch.onWait();
    stillMs = seen === mark ? stillMs + lookMs : 0;
    if (stillMs >= deadMs) return;
    mark = seen;
    // Uneven, so that of two who wait one comes first.
    await timing.sleep(lookMs * (1 + timing.random() / 4), signal);
  }
}

/** Which beat of whom; undefined when nobody says that he serves. */
export function markOf(agent: Agent | undefined): string | undefined {
  const beat = agent?.meta?.adapter;
  if (!agent || typeof beat !== "object" || beat === null || !("beat" in beat)) return undefined;
  return `${agent.instanceId}#${beat.beat}`;
}

export const isSuperseded = (error: unknown): boolean => error instanceof RelayProblem && error.code === "superseded";
