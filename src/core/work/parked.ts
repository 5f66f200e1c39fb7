import type { Hooks } from "../../kernel/hooks.ts";
import type { WorkRow } from "./row.ts";

/** A claimer that waits for work. */
export interface Claimer {
  targets: readonly string[];
  kinds?: readonly string[] | undefined;
  topics?: readonly string[] | undefined;
  /** Skip claimers that are not ready, or may claim nothing: they would consume the wake-up without claiming. */
  isReady(): boolean;
  /** Tries to claim, and parks again when another claimer was faster. */
  tryNow(work?: OpenWork): void;
}

/** A piece of open work: its id, and the columns that decide which claimers want it. */
export type OpenWork = Pick<WorkRow, "messageId" | "target" | "kind" | "topic">;

/** Work that woke a claimer, after its poll. `mayClaim`: whether the claimer may claim it. */
export interface WakeState {
  isOpen: boolean;
  mayClaim: boolean;
}

export type ParkedClaimers = ReturnType<typeof createParked>;

/**
 * Claimers that wait, in the order in which they came. One piece of open work wakes one of them: waking a thousand for one
 * item costs 9 ms an item.
 */
export function createParked(hooks: Hooks) {
  const queues = new Map<string, Set<Claimer>>();
  /** Work is open again. Its message was in the log before, so followers of its target hear of it here. */
  const reopened = hooks.event<[target: string]>("work.reopened");
  let size = 0;

  function takeFirst(work: OpenWork): Claimer | undefined {
    for (const claimer of queues.get(work.target) ?? []) {
      if (claimer.kinds && !claimer.kinds.includes(work.kind)) continue;
      if (claimer.topics && !claimer.topics.includes(work.topic)) continue;
      if (!claimer.isReady()) continue;
      leave(claimer);
      return claimer;
    }
    return undefined;
  }

  function leave(claimer: Claimer): void {
    let was = false;
    for (const target of claimer.targets) {
      const queue = queues.get(target);
      if (!queue?.delete(claimer)) continue;
      was = true;
      if (queue.size === 0) queues.delete(target);
    }
    if (was) size--;
  }

  return {
    /** Appends the claimer to the queue of each of its targets. It has to poll once more after this. */
    park(claimer: Claimer): void {
      for (const target of claimer.targets) {
        const queue = queues.get(target);
        if (queue) queue.add(claimer);
        else queues.set(target, new Set([claimer]));
      }
      size++;
    },
    leave,
    /** Wakes one claimer that wants the work, once the open work is on disk. */
    opened(work: OpenWork): void {
      takeFirst(work)?.tryNow(work);
    },

    openedAgain(work: OpenWork): void {
      takeFirst(work)?.tryNow(work);
      reopened.announce(work.target);
    },
    reopened,
    waiting: () => size,
  };
}
