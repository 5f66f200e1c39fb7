import type { Areas } from "../../core/core.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { ApprovalRule, MadeRule, ParsedRule } from "../../protocol/approval-rules.ts";
import { Problem } from "../../protocol/problem.ts";
import { decidingRule } from "./judge.ts";
import type { ApprovalLifecycle } from "./lifecycle.ts";
import type { RuleRow } from "./row.ts";
import { ruling } from "./service.ts";
import type { ApprovalStore } from "./store.ts";
import { toRule } from "./view.ts";

const MAX_RULES = 200;
/** Pending approvals that a new rule looks at. */
const MAX_PENDING = 500;

export type ApprovalRules = ReturnType<typeof createApprovalRules>;

/** Rules that answer permissions in place of a person. */
export function createApprovalRules(
  { kernel, identity }: Areas,
  { store, lifecycle }: { store: ApprovalStore; lifecycle: ApprovalLifecycle },
) {
  const { clock, idempotency } = kernel;
  const { activity, auth } = identity;

  /** Decides what is pending, so that a rule holds at once for everybody. Answers the ids. */
  async function applyAll(tx: Tx): Promise<string[]> {
    const rules = await store.rules(tx);
    const answered: string[] = [];
    for (const row of await store.pending(tx, MAX_PENDING)) {
      const decision = row.expiresAt > clock.now() ? ruling(row, decidingRule(rules, row)) : undefined;
      if (!decision) continue;
      await lifecycle.answer(tx, row, decision);
      answered.push(row.id);
    }
    return answered;
  }

  async function make(tx: Tx, caller: Caller, draft: ParsedRule): Promise<MadeRule> {
    const { length } = await store.rules(tx);
    if (length >= MAX_RULES)
      throw new Problem("conflict", `There are ${MAX_RULES} rules, the most there may be. Remove one first.`);
    const row: RuleRow = {
      ...{ id: newId("rul", clock.now()), position: Math.min(draft.position ?? length + 1, length + 1) },
      ...{ agentId: draft.agentId ?? null, tool: draft.tool, match: draft.match ?? null, decision: draft.decision },
      ...{ under: draft.under ?? null, person: caller.personId, createdAt: clock.now() },
    };
    await store.addRule(tx, row);
    const answered = await applyAll(tx);
    await activity.record(tx, caller, "approval-rule.added", row.id, { ...draft, answered });
    return { ...toRule(row), answered };
  }

  return {
    /** `POST /v1/approval-rules`. @throws Problem 403, 409 */
    async add(tx: Tx, caller: Caller, draft: ParsedRule, key: string | undefined) {
      requireOperator(caller);
      await auth.requireLive(tx, caller);
      return idempotency.once<MadeRule>(tx, {
        ...{ sender: "user", key, operation: "approval-rule", asked: draft },
        async make() {
          const made = await make(tx, caller, draft);
          return { subject: made.id, made };
        },
        async again(subject) {
          const row = await store.rule(tx, subject);
          return row && { ...toRule(row), answered: [] };
        },
      });
    },

    /** `GET /v1/approval-rules`, by position. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller): Promise<{ items: ApprovalRule[]; nextPage: null }> {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may read the rules.");
      return { items: (await store.rules(on)).map(toRule), nextPage: null };
    },

    /** `DELETE /v1/approval-rules/{id}`. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, id: string): Promise<void> {
      requireOperator(caller);
      await auth.requireLive(tx, caller);
      const row = (await store.rule(tx, id)) ?? Problem.missing("approval rule", id);
      await store.removeRule(tx, row);
      await activity.record(tx, caller, "approval-rule.removed", id, { tool: row.tool, decision: row.decision });
    },
  };
}
