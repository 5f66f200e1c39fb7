import type { ReadTx } from "../../kernel/db/database.ts";
import type { Hooks } from "../../kernel/hooks.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";

/** Work that is about to begin, as far as it is known. */
export interface Beginning {
  agentId?: AgentId | undefined;
  orchestratorId?: string | null | undefined;
  project?: string | null | undefined;
  tags?: readonly string[] | undefined;
}

/** Hold that stands. */
export interface Standing {
  id: string;
  reason: string;
}

/** Time after which something that was due under a hold is looked at again. */
export const HELD_MS = 30_000;

/** One question before anything begins: whether a hold stands over it. */
export function createHolding(hooks: Hooks) {
  const standing = hooks.question<[beginning: Beginning], Standing>("holding.standing");
  return {
    standing,
    /** The first of these agents that a hold stands over. */
    async over(on: ReadTx, agentIds: readonly AgentId[]): Promise<Beginning | undefined> {
      for (const agentId of agentIds) if (await standing.first(on, { agentId })) return { agentId };
      return undefined;
    },
    /** @throws Problem 409 held */
    async require(on: ReadTx, beginning: Beginning): Promise<void> {
      const hold = await standing.first(on, beginning);
      if (hold) throw new Problem("held", heldBy(hold), { holdId: hold.id });
    },
  };
}

export type Holding = ReturnType<typeof createHolding>;

/** A hold as a sentence. */
const heldBy = ({ id, reason }: Standing): string =>
  `${id} holds it until it is lifted: ${reason.slice(0, 1000).toWellFormed()}`;
