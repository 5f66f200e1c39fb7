import type { ApprovalRule } from "../../protocol/approval-rules.ts";
import type { Approval, ApprovalAnswer, ApprovalOption } from "../../protocol/approvals.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { ApprovalRow, RuleRow } from "./row.ts";

export const optionOf = ({ options, option }: Pick<ApprovalRow, "options" | "option">): ApprovalOption | undefined =>
  options.find(({ id }) => id === option);

function answerOf(row: ApprovalRow): ApprovalAnswer | null {
  const { option, text, person, via, answeredAt, ruleId } = row;
  if (option === null || via === null || answeredAt === null) return null;
  const decision = optionOf(row)?.decision ?? "deny";
  return { option, decision, text, person, via, at: toTime(answeredAt), ruleId };
}

/** An approval as it goes out. */
export function toApproval(row: ApprovalRow): Approval {
  const { id, agentId, runId, sessionId, orchestratorId, project, kind, subject, title, cut, hash, options, oneTap } =
    row;
  const { conversation, state, reason, count, meta } = row;
  return {
    ...{ id, agentId, runId, sessionId, orchestratorId, project, kind, subject, title, cut, hash, options },
    ...{ default: row.default, oneTap, conversation },
    askedOf: row.askedOf.map((asked) => ({ ...asked, at: toTime(asked.at) })),
    ...{ state, answer: answerOf(row), reason },
    applied:
      row.appliedAt === null
        ? null
        : { ok: row.appliedOk === true, error: row.appliedError, at: toTime(row.appliedAt) },
    ...{ count, meta },
    ...{ expiresAt: toTime(row.expiresAt), createdAt: toTime(row.createdAt), endedAt: toTimeOrNull(row.endedAt) },
  };
}

export const toRule = ({ createdAt, changedAt, ...rule }: RuleRow): ApprovalRule => ({
  ...{ ...rule, createdAt: toTime(createdAt), changedAt: toTimeOrNull(changedAt) },
});
