import type { Made } from "../../features/tasks/life.ts";
import type { TaskRow } from "../../features/tasks/row.ts";

export type Outcome = "created" | "reopened" | "repeated" | "resolved" | "ignored" | "late" | "refused";

/** Result of one event. */
export interface EventResult {
  task: TaskRow | null;
  /** null for a task without a message, or whose message is gone. */
  message: Pick<NonNullable<Made["sent"]>, "entry" | "work"> | null;
  created: boolean;
}
