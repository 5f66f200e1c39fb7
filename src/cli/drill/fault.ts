/** A broken promise. */
export interface Fault {
  kind: "lost" | "doubled" | "other";
  what: string;
}

/** One thing that has to be there exactly once. */
export function once(faults: Fault[], times: number, what: string): void {
  if (times !== 1) faults.push({ kind: times === 0 ? "lost" : "doubled", what: `${what} ${times} times` });
}
