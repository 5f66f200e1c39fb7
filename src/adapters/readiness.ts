/** Whether what comes in reaches us: the platform says so, and the canary has found nothing against it. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly reason: string | null;
  listening(): void;
  notListening(reason: string): void;
  /** What the canary found: a reason, or null. */
  probed(reason: string | null): void;
}

/** `onChange` is told when it turns. */
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
