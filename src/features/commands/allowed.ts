import type { ApprovalRow } from "../approvals/row.ts";
import { optionOf } from "../approvals/view.ts";

/** Whether a person has allowed it. */
export const isAllowed = (row: ApprovalRow): boolean => row.state === "answered" && optionOf(row)?.decision === "allow";
