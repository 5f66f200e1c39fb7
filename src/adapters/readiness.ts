/** State of incoming events: they reach us when the platform says so and the canary found no fault. */
export interface Readiness {
  readonly ready: boolean;
  /** Reason of `false`. */
  readonly reason: string | null;
  listening(): void;
  notListening(reason: string): void;
  /** Reports the canary's finding: a reason, or null. */
  probed(reason: string | null): void;
}

/** @param onChange called with each change */
export function createReadiness(onChange: (readiness: Readiness) => void): Readiness {
  let silence: string | null = "it has just begun";
  let finding: string | null = null;

  const readiness: Readiness = {
    get ready() {
      return readiness.reason === null;
    },
    get reason() {
      return silence ?? finding;
    },
    listening: () => change(null, finding),
    notListening: (reason) => change(reason, finding),
    probed: (reason) => change(silence, reason),
  };

  function change(nextSilence: string | null, nextFinding: string | null): void {
    const before = readiness.reason;
    silence = nextSilence;
    finding = nextFinding;
    if ((before === null) !== (readiness.reason === null)) onChange(readiness);
  }

  return readiness;
}
