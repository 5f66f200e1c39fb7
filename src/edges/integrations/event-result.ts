import type { TaskAndMessage } from "../../features/tasks/lifecycle.ts";
import type { TaskRow } from "../../features/tasks/row.ts";

export type Outcome = "created" | "reopened" | "repeated" | "resolved" | "ignored" | "late" | "refused";

/** Result of one event. */
export interface EventResult {
  task: TaskRow | null;
  /** null without a message, or when it is deleted. */
  message: Pick<NonNullable<TaskAndMessage["sent"]>, "entry" | "work"> | null;
  created: boolean;
}
