import type { Fail } from "../../protocol/work.ts";
import type { AttemptEnd, WorkRow } from "./row.ts";

/** How work ends, or how its lease ends and leaves it open for others. */
export type Outcome =
  /** The holder has done it; a result is a message. */
  | { as: "completed"; resultId: number | null }
  /** The holder could not do it. `final`: no further attempt. */
  | ({ as: "failed"; error: string; final: boolean; delayMs: number } & Reason)
  /** The holder gives it back; the attempt does not count. */
  | { as: "released"; reason: string | null; delayMs: number }
  /** The lease ran out. */
  | { as: "expired" }
  /** The holder was deleted, which alone makes no dead letter. */
  | { as: "abandoned" }
  /** Ended by a party that does not hold it; the holder is told. */
  | { as: "overtaken"; state: "done" | "dead" | "cancelled"; why?: string | undefined };

/** Class and code of a failure, as the holder gave them. */
export type Reason = Pick<Fail, "failure" | "code">;

/** The end of the attempt that the outcome ends. The row of work keeps that of one that was completed. */
export function attemptEnd(work: WorkRow, outcome: Exclude<Outcome, { as: "completed" }>): Omit<AttemptEnd, "at"> {
  switch (outcome.as) {
    case "failed":
      return { outcome: "failed", error: outcome.error };
    case "released":
      return { outcome: "released", error: outcome.reason };
    case "overtaken":
      return { outcome: "cancelled" };
    default:
      return { outcome: "expired", error: lapse(work, outcome.as) };
  }
}

/** The error of a lease that ended without a word of its holder. */
export const lapse = ({ holder }: WorkRow, as: "expired" | "abandoned"): string =>
  as === "expired" ? `the lease of ${holder} ran out` : `${holder} was deleted`;
