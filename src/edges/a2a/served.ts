import type { Runs } from "../../features/runs/runs.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { RunOutcome, RunStatus } from "../../protocol/runs.ts";

/** Run that serves a delegation, as far as its task shows it. */
export interface ServingRun {
  id: string;
  status: RunStatus;
  outcome: RunOutcome | null;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
  /** Whole text of its result; of a run that goes on the text that it has said so far. */
  text: string | null;
  startedAt: number;
}

/** The newest run that serves a delegation; undefined where its worker reports none. */
export async function servingRun(
  on: ReadTx,
  runs: Runs,
  { id, messageId }: Delegation,
): Promise<ServingRun | undefined> {
  const found = await runs.ofMessage(on, messageId as MessageId);
  const run = found && (await runs.book.byId(on, (found.running ?? found.newest).id));
  if (run?.delegationId !== id) return undefined;
  const { status, outcome, inputTokens, outputTokens, costUsd, createdAt } = run;
  const text = run.opaque ? null : status === "ended" ? run.result : await runs.lastText(on, run, run.turnId);
  return { id: run.id, status, outcome, inputTokens, outputTokens, costUsd, text, startedAt: createdAt };
}

/** Whether its runner works on it. */
export const isAtWork = (run: ServingRun | undefined): boolean =>
  run !== undefined && run.status !== "queued" && run.status !== "ended";
