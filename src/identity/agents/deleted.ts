import { Problem } from "../../protocol/problem.ts";
import type { AgentRow } from "./row.ts";

/** Past retention a tombstone keeps its id and kind alone. */
export const isShrunk = (row: Pick<AgentRow, "name">): boolean => row.name === "";

/** An id names one identity for ever: it is never registered again. */
export function deleted(id: string): Problem {
  return new Problem(
    "deleted",
    `${id} was deleted. An operator can restore it (POST /v1/agents/${id}/restore); otherwise take another id.`,
  );
}

/** Refusal of what names a deleted agent. */
export function gone(row: Pick<AgentRow, "id" | "name">): Problem {
  const detail = isShrunk(row)
    ? `${row.id} was deleted too long ago: nothing of it is left but its id.`
    : `${row.id} was deleted. An operator can restore it.`;
  return new Problem("gone", detail);
}
