import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedFinish } from "../../protocol/runs.ts";
import type { Files } from "../files/files.ts";
import { mergedLinks } from "./links.ts";
import type { Recorder } from "./recorder.ts";
import { type Result, toResult } from "./result.ts";
import type { RunRow, TurnRow } from "./row.ts";
import type { End, RunSettle } from "./settle.ts";
import type { Spending } from "./spending.ts";
import type { RunStore } from "./store.ts";
import { isRunning } from "./view.ts";

/** The runner's word. `keep`: makes the file with the whole of a long result. */
export type Finished = ParsedFinish & { keep?: (() => Promise<string>) | undefined };

export type Finishes = ReturnType<typeof createFinishes>;

interface Parts {
  store: RunStore;
  recorder: Recorder;
  settle: RunSettle;
  spending: Spending;
}

/** The runner's word that a turn is over: in time, again, or late. */
export function createFinishes({ files }: { files: Files }, { store, recorder, settle, spending }: Parts) {
  /** @throws Problem 409 for a turn that has ended otherwise, 422 required-result */
  async function finish(tx: Tx, row: RunRow, turn: TurnRow, body: Finished): Promise<RunRow> {
    const isNow = turn.id === row.turnId && isRunning(row);
    if (!isNow && !turn.owed) return repeated(row, turn, body);
    // A late word whose turn was followed by another brings no result.
    const isHeard = isNow || turn.id === row.turnId;
    const said = await resultOf(tx, row, turn, isHeard ? body : { ...body, keep: undefined });
    const result = body.outcome === "ok" && isStanding(row, turn, said) ? undefined : said;
    if (body.outcome === "ok" && result) requireResult(row, result);
    const told = await withWord(tx, row, body);
    if (!isNow) return late(tx, told, turn, body, said);
    const isAborted = row.status === "stopping";
    return settle.endTurn(tx, told, turn, {
      ...endOf(body),
      ...{ confirmed: isAborted ? true : null, result, isReported: true },
    });
  }

  /** The same word again changes nothing. @throws Problem 409 */
  function repeated(row: RunRow, turn: TurnRow, body: ParsedFinish): RunRow {
    if (turn.endedAt !== null && turn.outcome === body.outcome && isSame(row, turn, body)) return row;
    if (turn.endedAt === null) throw new Problem("claim-lost", `The turn ${turn.id} of ${row.id} was not begun.`);
    throw new Problem("not-open", `The turn ${turn.id} of ${row.id} has ended as ${turn.outcome}.`);
  }

  /** One finish after the relay ended a turn: it is the result unless a newer turn began. */
  async function late(tx: Tx, row: RunRow, turn: TurnRow, body: ParsedFinish, result: Result): Promise<RunRow> {
    const told: TurnRow = { ...turn, owed: false, late: true, outcome: body.outcome };
    await store.saveTurn(tx, told);
    if (row.turnId !== turn.id || row.status !== "ended") {
      await store.save(tx, row);
      return row;
    }
    const { outcome, errorCode = null, error = null } = endOf(body);
    const confirmed = row.outcome === "aborted" ? true : row.confirmed;
    const now: RunRow = { ...row, ...result.columns, outcome, errorCode, error, confirmed, late: true };
    await settle.takeLate(tx, now, told, row);
    return now;
  }

  /** Result of a turn: its runner's, else its last visible text. Files that the relay does not have are named as missing. */
  async function resultOf(on: ReadTx, row: RunRow, turn: TurnRow, body: Finished): Promise<Result> {
    const text = body.result ?? (body.silent ? null : await recorder.lastText(on, row, turn.id));
    const [there, missing]: [string[], string[]] = [[], []];
    for (const id of new Set(body.files ?? []))
      ((await files.service.isUsable(on, row.agentId, id)) ? there : missing).push(id);
    const said = { text, silent: body.silent, files: there, missingFiles: missing };
    const result = toResult(said);
    if (!result.columns.resultCut || !body.keep) return result;
    return toResult({ ...said, fileId: await body.keep() });
  }

  return {
    finish,
    /** End of a turn that its runner did not finish: the last visible text is the result. */
    async unsaid(on: ReadTx, row: RunRow, turn: TurnRow, end: End): Promise<End> {
      const result = toResult({ text: await recorder.lastText(on, row, turn.id) });
      if (end.outcome === "ok" && isStanding(row, turn, result)) return end;
      const isEmpty = end.outcome === "ok" && row.expectsResult && isNothing(result);
      return isEmpty ? { ...end, ...NO_RESULT, result } : { ...end, result };
    },
  };

  async function withWord(tx: Tx, row: RunRow, { usage, links }: ParsedFinish): Promise<RunRow> {
    const used = usage ? await spending.add(tx, row, usage) : row;
    return links?.length ? { ...used, links: JSON.stringify(mergedLinks(JSON.parse(row.links), links)) } : used;
  }

  function endOf({ outcome, errorCode, error }: ParsedFinish): Pick<End, "outcome" | "errorCode" | "error"> {
    if (outcome === "ok") return { outcome, errorCode: null, error: null };
    const fallback = outcome === "error" ? "unknown" : outcome === "timeout" ? "timeout" : null;
    return { outcome, errorCode: errorCode ?? fallback, error: error ?? null };
  }
}

const NO_RESULT = {
  outcome: "error",
  errorCode: "no-result",
  error: "It ended without the result that it owes.",
} as const;

const isNothing = ({ columns }: Result): boolean => columns.result === null && columns.resultFiles === null;

/** A woken run that has nothing to add stands by the answer that it gave before it waited. */
const isStanding = (row: RunRow, { cause }: TurnRow, result: Result): boolean =>
  cause === "wake" && isNothing(result) && (row.result !== null || row.resultFiles !== null);

/** An asker waits for the answer to a delegation: silence is none. */
function requireResult({ id, expectsResult, delegationId }: RunRow, result: Result): void {
  if ((expectsResult && isNothing(result)) || (delegationId !== null && result.columns.silent))
    throw new Problem(
      "required-result",
      `${id} owes a result, and this one is empty or silent. Ask once more, or finish with outcome error and errorCode no-result.`,
    );
}

/** Whether a repeat says the same, as far as the row still shows. */
function isSame(row: RunRow, turn: TurnRow, body: ParsedFinish): boolean {
  if (body.result === undefined || row.turnId !== turn.id) return true;
  return toResult({ text: body.result, silent: body.silent }).columns.result === row.result;
}
