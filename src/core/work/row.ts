import type { WorkState } from "../../protocol/messages.ts";
import type { attempts, work } from "./tables.ts";

export type WorkRow = typeof work.$inferSelect;

export interface WorkMove {
  state: WorkState;
  dueAt?: number | null;
  /** Whole delay of work that is delayed for a while. */
  delaySeconds?: number;
  attempts?: number;
  error?: string | null;
  endedAt?: number | null;
  endedUpTo?: number | null;
  /** Holder that completed it, and its answer. */
  completed?: { by: string | null; resultId: number | null };
}

export type AttemptRow = typeof attempts.$inferSelect;

export interface AttemptEnd {
  at: number;
  outcome: NonNullable<AttemptRow["outcome"]>;
  error?: string | null;
}

/** End of the log, and the time, when a walk began: later deaths are not for it. */
export interface Moment {
  head: number;
  at: number;
}
