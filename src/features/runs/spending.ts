import type { Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Amounts, UsageInput } from "../../protocol/runs.ts";
import type { RunRow } from "./row.ts";
import { addUsage, modelOf } from "./usage.ts";

/** Tokens and money that a runner added to its run. */
export interface RunSpending {
  /** As the sums of the run name it. */
  model: string;
  /** The run had used none of this model before. */
  isFirst: boolean;
  amounts: Partial<Amounts>;
}

export type Spending = ReturnType<typeof createSpending>;

/** Takes what runners report of tokens and money. */
export function createSpending({ hooks }: Pick<Kernel, "hooks">) {
  /** A runner reported usage; its run is stored in this write. */
  const used = hooks.event<[run: RunRow, spending: RunSpending]>("runs.used");
  return {
    used,
    /** The row with more usage; the caller stores it. */
    async add(tx: Tx, row: RunRow, usage: UsageInput): Promise<RunRow> {
      const { model: _, ...amounts } = usage;
      await used.raise(tx, row, { ...modelOf(row, usage), amounts });
      return addUsage(row, usage);
    },
  };
}
