import type { Areas } from "../../core/core.ts";
import type { Moment } from "../../core/work/row.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import { type Caller, isPerson, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Walk, Walked } from "../../kernel/db/reads.ts";
import type { BulkAction, BulkFilter, ParsedBulk } from "../../protocol/bulk.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Announcements } from "../announcements/announcements.ts";

/** Verb of one action: who may use it, what it finds, and what it does to one item. */
interface Kind<A extends BulkAction = BulkAction, Id extends string | number = string | number> {
  /** @throws Problem 403 */
  require(caller: Caller): void;
  /** The filter as it is stored, with names looked up. @throws Problem 422 */
  settle?(on: ReadTx, draft: Extract<ParsedBulk, { action: A }>): BulkFilter<A>;
  /** Place of the newest item. */
  newest(on: ReadTx): number;
  walk(tx: Tx, filter: BulkFilter<A>, moment: Moment, part: Walk): Walked<Id>;
  /** @throws Problem where a single call would */
  act(tx: Tx, caller: Caller, id: Id, decision: "allow" | "deny"): Promise<unknown>;
}

export type Ground = Areas & { approvals: Approvals; announcements: Announcements };
type Kinds = { [A in BulkAction]: Kind<A, never> };

/** Things that one bulk action can be about. */
export function createKinds({ kernel, core, approvals, announcements }: Ground): Record<BulkAction, Kind> {
  const { claims, rows: works } = core.work;
  const { headOf } = kernel;
  /** A filter with the cause of the dead letter that it names. @throws Problem 422 */
  function sameAs<F extends BulkFilter<"requeue" | "cancel">>(on: ReadTx, { sameAs: id, ...filter }: F) {
    if (id === undefined) return filter;
    const cause = works.walks.causeOf(on, id);
    if (!cause) throw Problem.invalid("/filter/sameAs", `message ${id} is no dead letter`);
    return { ...filter, ...cause };
  }

  const kinds: Kinds = {
    requeue: {
      require: requireOperator,
      settle: (on, { filter }) => sameAs(on, filter),
      newest: headOf,
      walk: (on, filter, moment, part) => works.walks.dead(on, filter, moment, part) as Walked<never>,
      act: (tx, caller, id) => claims.requeue(tx, caller, id),
    },
    cancel: {
      require: requireOperator,
      settle: (on, { filter }) => sameAs(on, filter),
      newest: headOf,
      walk: (on, { states, ...filter }, moment, part) =>
        works.walks.inStates(on, states, filter, moment, part) as Walked<never>,
      act: (tx, caller, id) => claims.cancel(tx, caller, id),
    },
    archive: {
      require: requirePerson,
      newest: headOf,
      walk: (tx, filter, { head }, part) => core.threads.walk(tx, filter, head, part) as Walked<never>,
      act: (tx, caller, id) => core.threads.change(tx, caller, id, { archived: true }),
    },
    dismiss: {
      require: requireOperator,
      newest: announcements.head,
      walk: (on, filter, _, part) => announcements.walk(on, filter, part) as Walked<never>,
      act: (tx, caller, id) => announcements.dismiss(tx, caller, id),
    },
    answer: {
      require: requirePerson,
      settle(_, { filter, decision }) {
        const isNamed = [filter.ids, filter.hash, filter.agent, filter.run].some((one) => one !== undefined);
        if (decision === "allow" && !isNamed)
          throw Problem.invalid("/filter", "names no ids, hash, agent or run: all that waits is not allowed at once");
        return filter;
      },
      newest: approvals.head,
      walk: (on, filter, _, part) => approvals.walk(on, filter, part) as Walked<never>,
      act: (tx, caller, id, decision) => approvals.answerAsOne(tx, caller, id, decision),
    },
  };
  return kinds as unknown as Record<BulkAction, Kind>;
}

/** @throws Problem 403 */
function requirePerson(caller: Caller): void {
  if (!isPerson(caller)) throw new Problem("forbidden", "Operators and members alone do that.");
}
