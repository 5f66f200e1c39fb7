import { hostname } from "node:os";
import { z } from "zod";
import { RelayProblem } from "../client/errors.ts";
import type { Timing } from "../client/timing.ts";
import type { Agent } from "../protocol/agents.ts";
import { untilAnswered } from "./patience.ts";

/**
 * One adapter an account. Whoever registers last is the adapter, and the relay refuses the one before it everything: that is
 * the fence. So that a second process waits instead of taking over, the one that serves counts up a beat in its agent's
 * `meta.adapter`, and registers only when the beat has stood still for long enough. No clock is compared with another.
 */
export const Beat = z.object({
  beat: z.int(),
  host: z.string(),
  pid: z.int(),
  /** Why nothing comes in at the moment. */
  deaf: z.string().nullable(),
});
export type Beat = z.infer<typeof Beat>;

/** Where an adapter runs. */
export interface Whereabouts {
  host: string;
  pid: number;
  /** Whether there is a process of this number on this machine. */
  isAlive(pid: number): boolean;
}

export const systemWhereabouts: Whereabouts = {
  host: hostname().slice(0, 128),
  pid: process.pid,
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EPERM";
    }
  },
};

export interface Watch {
  timing: Timing;
  /** How often is looked, and for how long a beat has to stand still, in milliseconds. */
  lookMs: number;
  deadMs: number;
  /** The channel's agent as it is now. */
  look(): Promise<Agent | undefined>;
  onWait(): void;
  /** A process of this machine that is not there any more need not be waited for. Left out: the beat alone counts. */
  here?: Whereabouts | undefined;
}

/** Resolves when nobody serves the channel. */
export async function awaitTurn(watch: Watch, signal: AbortSignal): Promise<void> {
  const { timing, lookMs, deadMs } = watch;
  let mark: string | undefined;
  let stillMs = 0;
  for (;;) {
    const agent = await untilAnswered(timing, signal, () => watch.look());
    const seen = markOf(agent);
    if (seen === undefined || (watch.here && isGone(agent, watch.here))) return;
    if (mark === undefined) watch.onWait();
    stillMs = seen === mark ? stillMs + lookMs : 0;
    if (stillMs >= deadMs) return;
    mark = seen;
    // Uneven, so that of two who wait one comes first.
    await timing.sleep(lookMs * (1 + timing.random() / 4), signal);
  }
}

const beatOf = (agent: Agent | undefined): Beat | undefined => Beat.safeParse(agent?.meta?.adapter).data;

/** Which beat of whom; undefined when nobody says that he serves. */
export function markOf(agent: Agent | undefined): string | undefined {
  const beat = beatOf(agent);
  return beat && `${agent?.instanceId}#${beat.beat}`;
}

/** Our own number means that whoever had it before is gone: a container's first process has the same one at each start. */
function isGone(agent: Agent | undefined, { host, pid, isAlive }: Whereabouts): boolean {
  const beat = beatOf(agent);
  return beat?.host === host && (beat.pid === pid || !isAlive(beat.pid));
}

export const isSuperseded = (error: unknown): boolean => error instanceof RelayProblem && error.code === "superseded";
