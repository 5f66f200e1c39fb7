import type { ApprovalPart } from "../../protocol/approvals.ts";
import type { ApprovalRow } from "./row.ts";
import { toApproval } from "./view.ts";

/** An approval in the log of the run that it blocks: the newest part with its id counts. */
export function partOf(row: ApprovalRow): { type: "data-approval"; id: string; data: ApprovalPart } {
  const { id, kind, title, subject, cut, hash, options, oneTap, state, answer, applied, reason, expiresAt } =
    toApproval(row);
  return {
    ...{ type: "data-approval", id },
    data: {
      ...{ id, kind, title, subject: cut ? null : subject, cut, hash, options, default: row.default, oneTap },
      ...{ state, answer, applied, reason, expiresAt },
    },
  };
}
