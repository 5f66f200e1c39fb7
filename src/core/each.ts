import { createPauses } from "../kernel/breathe.ts";
import type { Tx } from "../kernel/db/database.ts";
import { Problem } from "../protocol/problem.ts";
import type { ProblemCode } from "../protocol/problem-codes.ts";

/** Refusals of the caller, not of an item: they refuse the whole list. */
const OF_CALLER: readonly ProblemCode[] = ["unauthorized", "superseded"];

/**
 * Carries out a verb for each item in one write, in order. An item that is refused is rolled back alone, and its problem stands in its
 * place; an item that is a problem already stays one. Between items the event loop goes on while the transaction stays open.
 * @throws Problem 401 unauthorized, 409 superseded: nothing of the list is stored
 */
export async function each<I, R>(
  tx: Tx,
  items: readonly (I | Problem)[],
  verb: (item: I) => Promise<R>,
): Promise<(R | Problem)[]> {
  const outcomes: (R | Problem)[] = [];
  const pause = createPauses();
  for (const item of items) {
    outcomes.push(item instanceof Problem ? item : await tx.attempt(() => verb(item)).catch(refusal));
    const paused = pause();
    if (paused) await paused;
  }
  return outcomes;
}

function refusal(error: unknown): Problem {
  if (error instanceof Problem && !OF_CALLER.includes(error.code)) return error;
  throw error;
}

/** JSON text of each outcome, in order: `json` shows those that were carried out. */
export async function eachJson<R>(
  outcomes: readonly (R | Problem)[],
  requestId: string,
  json: (outcome: R) => string,
): Promise<string> {
  const pause = createPauses();
  const texts: string[] = [];
  for (const outcome of outcomes) {
    texts.push(outcome instanceof Problem ? problemJson(outcome, requestId) : json(outcome));
    const paused = pause();
    if (paused) await paused;
  }
  const text = `{"items":[${texts.join(",")}]}`;
  await pause();
  return text;
}

/** `{ problem, retryAfterSeconds? }`: an item has no headers. */
function problemJson(problem: Problem, requestId: string): string {
  const { retryAfterSeconds } = problem.extras;
  return JSON.stringify({ problem: problem.body(requestId), retryAfterSeconds });
}
