import type { Change } from "../../identity/agents/roster.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Connection, Connections } from "../../kernel/log/connections.ts";
import type { Listener, Log } from "../../kernel/log/log.ts";
import { Problem } from "../../protocol/problem.ts";
import type { OpenWork, ParkedClaimers, WakeState } from "../work/parked.ts";

export interface WaitParts {
  log: Pick<Log, "listen">;
  parked: ParkedClaimers;
  connections: Connections;
  clock: Clock;
}

/** Reason for the end of a wait. `left`: the client has gone, or the relay is stopping. */
type End = "woken" | "over" | "left" | "revoked";

export type Waits = ReturnType<typeof createWaits>;

/** Parked calls: they hold no truth, only a place in a queue, and end with the client, the time or the relay. */
export function createWaits({ log, parked, connections, clock }: WaitParts) {
  const pauses = new Map<string, Set<{ wake(): void }>>();
  const unready = new Set<string>();

  /** A pause that ends by `wake`, by `end`, after `ms`, when the client leaves, or when its token or instance is cut off. */
  function createPause(caller: Caller, agentId: string, ms: number, signal: AbortSignal) {
    connections.checkParked(caller.tokenId);
    let woken = false;
    let over: Exclude<End, "woken"> | undefined = signal.aborted || connections.stopping() ? "left" : undefined;
    let resume: (() => void) | undefined;
    const settle = () => {
      resume?.();
      resume = undefined;
    };
    const end = (why: typeof over) => {
      over ??= why;
      settle();
    };
    const leaves = () => end("left");
    const cancelTimer = over ? () => undefined : clock.after(ms, () => end("over"));
    signal.addEventListener("abort", leaves, { once: true });
    const connection: Connection = {
      id: "",
      agentId,
      countsFor: null,
      instanceId: caller.instanceId,
      tokenId: caller.tokenId,
      close(reason) {
        // One more poll tells the caller why, by its problem.
        if (reason === "superseded") pause.wake();
        else end(reason === "revoked" ? "revoked" : "left");
      },
    };
    const leave = connections.add(connection);
    const pause = {
      wake(): void {
        woken = true;
        settle();
      },
      /** Resolves at once after a wake since the last call. */
      async wait(): Promise<End> {
        if (!woken && !over) await new Promise<void>((resolve) => (resume = resolve));
        woken = false;
        return over ?? "woken";
      },
      close(): void {
        cancelTimer();
        leave();
        signal.removeEventListener("abort", leaves);
        siblings.delete(pause);
        if (siblings.size === 0) pauses.delete(agentId);
      },
    };
    const siblings = pauses.get(agentId) ?? new Set();
    pauses.set(agentId, siblings.add(pause));
    return pause;
  }

  /**
   * Tries `look` until it finds something or the time is up; between tries it waits for entries for `targets`.
   * The call listens before it polls, so it misses nothing that comes in between.
   */
  async function forEntries<T>(how: Wait<T>): Promise<T> {
    const pause = createPause(how.caller, how.agentId, how.waitMs, how.signal);
    const listener: Listener = { wake: () => undefined, run: () => pause.wake() };
    let unlisten: () => void = () => undefined;
    try {
      for (let isLast = false; ; ) {
        unlisten();
        unlisten = log.listen(await how.targets(), listener);
        const answer = await how.look();
        if (how.found(answer) || isLast) return answer;
        const end = await pause.wait();
        if (end === "left") return answer;
        if (end === "revoked") return await cutOff(how);
        // Time is up: one more poll, as work may have opened since the last one.
        isLast = end === "over";
      }
    } finally {
      unlisten();
      pause.close();
    }
  }

  /** A caller that waits in another agent's name may have been cut off because that agent is gone: polling then says so. */
  async function cutOff<T>({ caller, agentId, look }: Wait<T>): Promise<never> {
    if (caller.agentId !== agentId) await look();
    throw revoked();
  }

  /** As `forEntries`, for work: parked claimers queue, and each piece of open work wakes one of them. */
  async function forWork<T>(how: Wait<T> & WorkWait<T>): Promise<T> {
    const pause = createPause(how.caller, how.agentId, how.waitMs, how.signal);
    let offered: OpenWork | undefined;
    /** Set by a poll that was refused the work it was woken for, until the next poll. */
    let isBarred = false;
    const claimer = {
      targets: [] as readonly string[],
      kinds: how.kinds,
      topics: how.topics,
      isReady: () => !isBarred && !unready.has(how.agentId),
      tryNow(work?: OpenWork) {
        offered = work;
        pause.wake();
      },
    };

    async function look(): Promise<T> {
      const used = offered;
      offered = undefined;
      try {
        return await how.look();
      } catch (error) {
        offered ??= used;
        throw error;
      }
    }
    /** A claimer may not get what it was woken for: it is held, unready, out of the group, or it found other work first. */
    async function passOn(work: OpenWork | undefined, answer: T): Promise<void> {
      if (!work || how.took(answer, work)) return;
      // The next one sees whether it is open still: that costs nothing where nobody waits.
      if (how.found(answer)) return parked.opened(work);
      const { isOpen, mayClaim } = await how.stateOf(work);
      isBarred = !mayClaim;
      // A claimer that may claim it and found nothing came too late: whatever opened it since has woken another one.
      if (isOpen && isBarred) parked.opened(work);
    }

    try {
      for (;;) {
        parked.leave(claimer);
        claimer.targets = await how.targets();
        isBarred = false;
        parked.park(claimer);
        const wokenFor = offered;
        const answer = await look();
        if (how.found(answer)) parked.leave(claimer);
        await passOn(wokenFor, answer);
        if (how.found(answer)) return answer;
        const end = await pause.wait();
        if (end === "revoked") return await cutOff({ ...how, look });
        // The client has left; `finally` hands the item to the next claimer.
        if (end !== "woken") return answer;
      }
    } finally {
      parked.leave(claimer);
      pause.close();
      // Woken, but no longer polling: the next claimer gets the chance.
      if (offered) parked.opened(offered);
    }
  }

  /** Wakes an agent's parked calls after its groups changed, to poll again. */
  function nudge(agentId: string): void {
    for (const pause of pauses.get(agentId) ?? []) pause.wake();
  }

  return {
    forEntries,
    forWork,
    nudge,
    /** Some agents with calls that wait, by id after one. */
    waiting: (after: string, limit: number): string[] =>
      [...pauses.keys()]
        .filter((id) => id > after)
        .sort()
        .slice(0, limit),
    /** Skips claimers that are not ready, and lets them poll again when they are. */
    setReady({ agentId, ready }: Pick<Change, "agentId" | "ready">): void {
      if (!ready) unready.add(agentId);
      else if (unready.delete(agentId)) nudge(agentId);
    },
  };
}

const revoked = () => new Problem("unauthorized", "The token was revoked, or its agent deleted, during the call.");

interface Wait<T> {
  caller: Caller;
  agentId: string;
  waitMs: number;
  signal: AbortSignal;
  /** The agent's targets, queried again before each poll. */
  targets(): Promise<readonly string[]>;
  look(): Promise<T>;
  found(answer: T): boolean;
}

interface WorkWait<T> {
  kinds?: readonly string[] | undefined;
  topics?: readonly string[] | undefined;
  /** Whether a piece of work is in the answer. */
  took(answer: T, work: OpenWork): boolean;
  /** State of work that is not in the answer. */
  stateOf(work: OpenWork): Promise<WakeState>;
}
