/** Stream to tell of open work. */
export interface Claimant {
  sayOpen(): void;
}

export type Claimants = ReturnType<typeof createClaimants>;

/** Streams to tell of open work, by target. */
export function createClaimants() {
  const byTarget = new Map<string, Set<Claimant>>();

  return {
    add(targets: Iterable<string>, claimant: Claimant): void {
      for (const target of targets) byTarget.set(target, (byTarget.get(target) ?? new Set()).add(claimant));
    },
    remove(targets: Iterable<string>, claimant: Claimant): void {
      for (const target of targets) {
        const claimants = byTarget.get(target);
        claimants?.delete(claimant);
        if (claimants?.size === 0) byTarget.delete(target);
      }
    },
    /** Tells the streams of a target that work is open again. Its message was in the log before. */
    workReopened(target: string): void {
      for (const claimant of byTarget.get(target) ?? []) claimant.sayOpen();
    },
  };
}
