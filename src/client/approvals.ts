import * as rules from "../protocol/approval-rules.ts";
import * as api from "../protocol/approvals.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on approvals: questions to people that block agents. */
export const approvalVerbs = ({ ask, askOnce, acting }: Caller) => ({
  /** Asks for an approval. The agent hears of its end by a `control` message with `payload.approval`. */
  create: (body: api.ApprovalDraft, call?: Keyed): Promise<api.Approval> =>
    askOnce(api.createApproval, { body: acting("agentId", body, call) }, call),

  get: (id: string, call?: Call): Promise<api.Approval> => ask(api.getApproval, { params: { id } }, call),

  /** Lists approvals, newest first. */
  list: (query: Query<typeof api.ApprovalQuery> = {}, call?: Call) => ask(api.listApprovals, { query }, call),

  /** Answers an approval; for operators and members. `hash` is that of the approval that was read. */
  answer: (id: string, body: api.ApprovalReply, call?: Call): Promise<api.Approval> =>
    ask(api.answerApproval, { params: { id }, body }, call),

  /** Answers many at once, at most 500. `refused` lists those that were not answered, with the reason. */
  answerAll: (body: api.ApprovalBulk, call?: Call): Promise<api.ApprovalBulkResult> =>
    ask(api.answerApprovals, { body }, call),

  /** Reports whether the answer reached the agent; by its maker. */
  applied: (id: string, body: api.ApprovalApplied, call?: Call): Promise<api.Approval> =>
    ask(api.applyApproval, { params: { id }, body }, call),

  /** Withdraws one that is needed no more; by its maker. */
  withdraw: (id: string, reason?: string, call?: Call): Promise<api.Approval> =>
    ask(api.withdrawApproval, { params: { id }, body: { reason } }, call),

  /** Rules, in order. */
  rules: (call?: Call) => ask(rules.listApprovalRules, {}, call),

  /** Adds a rule; for operators. `answered` lists the pending approvals that it decided. */
  addRule: (body: rules.ApprovalRuleDraft, call?: Keyed): Promise<rules.MadeRule> =>
    askOnce(rules.addApprovalRule, { body }, call),

  /** Shows which of the last permissions a rule would match. Nothing is added. */
  previewRule: (body: rules.ApprovalRuleDraft, call?: Call): Promise<rules.RulePreview> =>
    ask(rules.previewApprovalRule, { body }, call),

  /** Changes a rule, or its place; for operators. It keeps its id. */
  changeRule: (id: string, body: rules.ApprovalRulePatch, call?: Call): Promise<rules.MadeRule> =>
    ask(rules.changeApprovalRule, { params: { id }, body }, call),

  removeRule: (id: string, call?: Call): Promise<void> => ask(rules.removeApprovalRule, { params: { id } }, call),
});
