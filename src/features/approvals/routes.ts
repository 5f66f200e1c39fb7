import { type Answer, createdOnce, ok, type Route, routesOn, routeWith } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as ruleApi from "../../protocol/approval-rules.ts";
import * as api from "../../protocol/approvals.ts";
import type { ApprovalRules } from "./rules.ts";
import type { ApprovalService } from "./service.ts";

/** Approvals and the rules for them. */
export function approvalRoutes(db: Db, approvals: ApprovalService, rules: ApprovalRules): Route[] {
  const { get, list, change, create, remove } = routesOn(db);
  return [
    routeWith(db, askedAnswer)(api.createApproval, (tx, { caller, body, idempotencyKey }) =>
      approvals.ask(tx, caller, body, idempotencyKey),
    ),
    list(api.listApprovals, (on, { caller, query }) => approvals.list(on, caller, query)),
    get(api.getApproval, (on, { caller, params }) => approvals.get(on, caller, params.id)),
    change(api.answerApproval, (tx, { caller, params, body }) => approvals.answer(tx, caller, params.id, body)),
    change(api.answerApprovals, (tx, { caller, body }) => approvals.answerAll(tx, caller, body)),
    change(api.applyApproval, (tx, { caller, params, body }) => approvals.applied(tx, caller, params.id, body)),
    change(api.withdrawApproval, (tx, { caller, params, body }) =>
      approvals.withdraw(tx, caller, params.id, body.reason),
    ),
    get(ruleApi.listApprovalRules, (on, { caller }) => rules.list(on, caller)),
    create(ruleApi.addApprovalRule, (tx, { caller, body, idempotencyKey }) =>
      rules.add(tx, caller, body, idempotencyKey),
    ),
    get(ruleApi.previewApprovalRule, (on, { caller, body }) => rules.preview(on, caller, body)),
    change(ruleApi.changeApprovalRule, (tx, { caller, params, body }) => rules.change(tx, caller, params.id, body)),
    remove(ruleApi.removeApprovalRule, (tx, { caller, params }) => rules.remove(tx, caller, params.id)),
  ];
}

/** A draft that is the same approval as another's is answered 200, too, but is no repeat. */
const askedAnswer = ({ isNew, ...once }: Awaited<ReturnType<ApprovalService["ask"]>>): Answer =>
  isNew || once.replayed ? createdOnce(once) : ok(once.made);
