import type { Areas } from "../../core/core.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type {
  ApprovalRule,
  ApprovalRulePatch,
  MadeRule,
  ParsedRule,
  RulePreview,
} from "../../protocol/approval-rules.ts";
import { Problem } from "../../protocol/problem.ts";
import { decidingRule } from "./judge.ts";
import type { ApprovalLifecycle } from "./lifecycle.ts";
import type { RuleRow } from "./row.ts";
import { ruling } from "./service.ts";
import type { ApprovalStore } from "./store.ts";
import { argumentOf } from "./subject.ts";
import { toRule } from "./view.ts";

const MAX_RULES = 200;
/** Pending approvals that a new rule looks at. */
const MAX_PENDING = 500;
/** Permissions that a preview looks at, and characters of each that it shows. */
const MAX_PREVIEWED = 200;
const MAX_ARGUMENT = 300;

export type ApprovalRules = ReturnType<typeof createApprovalRules>;

/** Rules that answer permissions in place of a person. */
export function createApprovalRules(
  { kernel, identity }: Areas,
  { store, lifecycle }: { store: ApprovalStore; lifecycle: ApprovalLifecycle },
) {
  const { clock, idempotency } = kernel;
  const { activity } = identity;

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

  const rowOf = (caller: Caller, draft: ParsedRule, last: number): RuleRow => ({
    ...{ id: newId("rul", clock.now()), position: Math.min(draft.position ?? last, last) },
    ...{ agentId: draft.agentId ?? null, tool: draft.tool, match: draft.match ?? null, decision: draft.decision },
    ...{ under: draft.under ?? null, person: caller.personId },
    ...{ createdAt: clock.now(), changedAt: null },
  });

  async function make(tx: Tx, caller: Caller, draft: ParsedRule): Promise<MadeRule> {
    const { length } = await store.rules(tx);
    if (length >= MAX_RULES)
      throw new Problem("conflict", `There are ${MAX_RULES} rules, the most there may be. Remove one first.`);
    const row = rowOf(caller, draft, length + 1);
    await store.addRule(tx, row);
    const answered = await applyAll(tx);
    await activity.record(tx, caller, "approval-rule.added", row.id, { ...draft, answered });
    return { ...toRule(row), answered };
  }

  return {
    /** `POST /v1/approval-rules`. @throws Problem 403, 409 */
    async add(tx: Tx, caller: Caller, draft: ParsedRule, key: string | undefined) {
      requireOperator(caller);
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

    /** `PATCH /v1/approval-rules/{id}`: what it says now holds at once. @throws Problem 403, 404 */
    async change(tx: Tx, caller: Caller, id: string, patch: ApprovalRulePatch): Promise<MadeRule> {
      requireOperator(caller);
      const before = (await store.rule(tx, id)) ?? Problem.missing("approval rule", id);
      const row = patched(before, patch, (await store.rules(tx)).length);
      if (Bun.deepEquals(row, before)) return { ...toRule(before), answered: [] };
      if (!Bun.deepEquals({ ...row, position: 0 }, { ...before, position: 0 })) row.changedAt = clock.now();
      await store.removeRule(tx, before);
      await store.addRule(tx, row);
      const answered = await applyAll(tx);
      await activity.record(tx, caller, "approval-rule.changed", id, {
        from: saidBy(before),
        to: saidBy(row),
        answered,
      });
      return { ...toRule(row), answered };
    },

    /** `GET /v1/approval-rules`, by position. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller): Promise<{ items: ApprovalRule[]; nextPage: null }> {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may read the rules.");
      return { items: (await store.rules(on)).map(toRule), nextPage: null };
    },

    /** `POST /v1/approval-rules/preview`: the newest permissions that a rule would match. @throws Problem 403 */
    async preview(on: ReadTx, caller: Caller, draft: ParsedRule): Promise<RulePreview> {
      if (!readsAll(caller)) throw new Problem("forbidden", "Only operators, members and viewers may try a rule.");
      const standing = await store.rules(on);
      const rule = rowOf(caller, draft, standing.length + 1);
      const rules = standing.toSpliced(rule.position - 1, 0, rule);
      const looked = await store.page(on, { kind: "permission" }, undefined, MAX_PREVIEWED);
      const items = looked
        .filter((row) => decidingRule([rule], row))
        .map((row) => {
          const first = decidingRule(rules, row);
          const decides = first === rule && (rule.decision === "ask" || ruling(row, first) !== undefined);
          const argument = argumentOf(row.subject).slice(0, MAX_ARGUMENT);
          return { id: row.id, agentId: row.agentId, argument: argument.toWellFormed(), decides };
        });
      return { looked: looked.length, items };
    },

    /** `DELETE /v1/approval-rules/{id}`. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, id: string): Promise<void> {
      requireOperator(caller);
      const row = (await store.rule(tx, id)) ?? Problem.missing("approval rule", id);
      await store.removeRule(tx, row);
      await activity.record(tx, caller, "approval-rule.removed", id, saidBy(row));
    },
  };
}

function patched(before: RuleRow, { position, ...said }: ApprovalRulePatch, last: number): RuleRow {
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return { ...before, ...given, position: Math.min(position ?? before.position, last) };
}

/** Everything that a rule says. */
const saidBy = ({ position, agentId, tool, match, decision, under }: RuleRow) => ({
  ...{ position, agentId, tool, match, decision, under },
});
