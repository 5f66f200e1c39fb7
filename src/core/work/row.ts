import type { WorkState } from "../../protocol/messages.ts";
import type { attempts, work } from "./tables.ts";

export type WorkRow = typeof work.$inferSelect;

export interface WorkMove {
  state: WorkState;
  dueAt?: number | null;
  attempts?: number;
  error?: string | null;
  endedAt?: number | null;
  endedUpTo?: number | null;
}

export type AttemptRow = typeof attempts.$inferSelect;

export interface AttemptEnd {
  at: number;
  outcome: NonNullable<AttemptRow["outcome"]>;
  error?: string | null;
  resultId?: number | null;
}
