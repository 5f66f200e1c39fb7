import type { Run } from "../../../protocol/runs.ts";
import { visible } from "../../ui/exact.tsx";

/** A run in a few words: its label, else the beginning of its task. */
export const aboutRun = ({ label, task }: Pick<Run, "label" | "task">): string =>
  visible((label ?? task).replace(/\s+/g, " ").slice(0, 120));
