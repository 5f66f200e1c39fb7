import type { Amounts, RunUsage, UsageInput } from "../../protocol/runs.ts";
import type { RunRow } from "./row.ts";

const NOTHING: Amounts = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0 };
/** Models of one run that are told apart. */
const MAX_MODELS = 50;
/** Group of the models beyond. */
const OTHERS = "others";

/** Sums stay numbers that JSON carries exactly. */
const sum = (one: number, other: number): number => Math.min(Number.MAX_SAFE_INTEGER, one + other);

export const addAmounts = (one: Amounts, other: Partial<Amounts>): Amounts => ({
  inputTokens: sum(one.inputTokens, other.inputTokens ?? 0),
  outputTokens: sum(one.outputTokens, other.outputTokens ?? 0),
  cacheReadTokens: sum(one.cacheReadTokens, other.cacheReadTokens ?? 0),
  cacheWriteTokens: sum(one.cacheWriteTokens, other.cacheWriteTokens ?? 0),
  costUsd: sum(one.costUsd, other.costUsd ?? 0),
});

// Without a prototype: a model may be called `__proto__`.
const modelsOf = ({ byModel }: RunRow): Record<string, Amounts> =>
  Object.assign(Object.create(null), JSON.parse(byModel ?? "{}"));

/** Name of the model in the sums of a run; `isFirst`: they do not have it yet. */
export function modelOf(row: RunRow, { model }: UsageInput, models = modelsOf(row)) {
  const named = model ?? row.model ?? "unknown";
  const name = named in models || Object.keys(models).length < MAX_MODELS ? named : OTHERS;
  return { model: name, isFirst: !(name in models) };
}

/** A run's row with more usage, also in the sums of its model. */
export function addUsage(row: RunRow, usage: UsageInput): RunRow {
  const models = modelsOf(row);
  const { model } = modelOf(row, usage, models);
  const { model: _, ...added } = usage;
  models[model] = addAmounts(models[model] ?? NOTHING, added);
  return { ...row, ...addAmounts(row, added), byModel: JSON.stringify(models) };
}

/** Sums over several runs. */
export function addAll(usages: readonly RunUsage[]): RunUsage {
  const byModel: Record<string, Amounts> = Object.create(null);
  let total = NOTHING;
  for (const usage of usages) {
    total = addAmounts(total, usage);
    for (const [model, amounts] of Object.entries(usage.byModel))
      byModel[model] = addAmounts(byModel[model] ?? NOTHING, amounts);
  }
  return { ...total, byModel };
}
