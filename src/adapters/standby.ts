import { hostname } from "node:os";
import { z } from "zod";
import { RelayProblem } from "../client/errors.ts";
import type { Timing } from "../client/timing.ts";
import type { Agent } from "../protocol/agents.ts";
import { untilAnswered } from "./patience.ts";

/**
 * One adapter an account. The last process to register is the adapter, and the relay refuses all calls of the one before: that is
 * the fence. The serving process counts up a beat in its agent's `meta.adapter`. A second process waits, and registers only when
 * the beat has stood still for long enough. No clock is compared with another.
 */
export const Beat = z.object({
  beat: z.int(),
  host: z.string(),
  pid: z.int(),
  /** Reason why no events come in. */
  deaf: z.string().nullable(),
});
export type Beat = z.infer<typeof Beat>;

/** Machine and process of an adapter. */
export interface HostProcess {
  host: string;
  pid: number;
  /** Tells whether this machine has a process with that id. */
  isAlive(pid: number): boolean;
}

export const systemProcess: HostProcess = {
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
  /** Polling interval, and the time that a beat has to stand still, in milliseconds. */
  pollMs: number;
  deadMs: number;
  /** Reads the channel's agent. */
  readAgent(): Promise<Agent | undefined>;
  onWait(): void;
  /** Our own machine, whose dead processes need no wait. Without it only the beat counts. */
  here?: HostProcess | undefined;
}

/** Resolves when no adapter serves the channel. */
export async function awaitTurn(watch: Watch, signal: AbortSignal): Promise<void> {
  const { timing, pollMs, deadMs } = watch;
  let mark: string | undefined;
  let stillMs = 0;
  for (;;) {
    const agent = await untilAnswered(timing, signal, () => watch.readAgent());
    const seen = markOf(agent);
    if (seen === undefined || (watch.here && isGone(agent, watch.here))) return;
    if (mark === undefined) watch.onWait();
    stillMs = seen === mark ? stillMs + pollMs : 0;
    if (stillMs >= deadMs) return;
    mark = seen;
    // Jitter, so that one of two waiting adapters comes first.
    await timing.sleep(pollMs * (1 + timing.random() / 4), signal);
  }
}

const beatOf = (agent: Agent | undefined): Beat | undefined => Beat.safeParse(agent?.meta?.adapter).data;

/** Beat and its adapter as text; undefined when no adapter serves. */
export function markOf(agent: Agent | undefined): string | undefined {
  const beat = beatOf(agent);
  return beat && `${agent?.instanceId}#${beat.beat}`;
}

/** Tells whether that process is gone. Our own id means yes: the first process of a container has the same id at each start. */
function isGone(agent: Agent | undefined, { host, pid, isAlive }: HostProcess): boolean {
  const beat = beatOf(agent);
  return beat?.host === host && (beat.pid === pid || !isAlive(beat.pid));
}

export const isSuperseded = (error: unknown): boolean => error instanceof RelayProblem && error.code === "superseded";
