import type { Areas } from "../../core/core.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { RunChange, RunErrorCode, RunLink, RunOutcome } from "../../protocol/runs.ts";
import type { RunAnswers } from "./answers.ts";
import type { Control } from "./control.ts";
import type { Recorder } from "./recorder.ts";
import { type Result, toResult } from "./result.ts";
import type { RunRow, TurnRow } from "./row.ts";
import type { RunTraces } from "./run-traces.ts";
import type { RunStore } from "./store.ts";
import { toChange } from "./view.ts";

/** Time in which a runner may take the turn that wakes a run. */
export const WAKE_MS = 30 * 60_000;

export type RunSettle = ReturnType<typeof createSettle>;

/** End of a turn, and of its run unless runs that it asked for go on. */
export interface End {
  outcome: RunOutcome;
  errorCode?: RunErrorCode | null | undefined;
  error?: string | null | undefined;
  /** Of an abort: whether the runner confirmed it. */
  confirmed?: boolean | null | undefined;
  /** The relay ended the turn without its runner: one late finish is taken. */
  owed?: boolean | undefined;
  /** Replaces the result of the run; undefined leaves it. */
  result?: Result | undefined;
  /** The runner reported it. */
  isReported?: boolean | undefined;
  /** The runner has answered the message itself. */
  isAnswered?: boolean | undefined;
  /** The message that the runner ended the run with. */
  replyId?: MessageId | undefined;
}

/** Way in which a run ended. */
export interface RunEnding {
  late: boolean;
  /** Message of its agent that is the result: its receiver has that already. */
  replyId?: MessageId | undefined;
}

/** Prompt of a new turn. */
export interface Prompt {
  /** Id that its sender gave it: viewers know it by that. */
  id?: string | undefined;
  cause: TurnRow["cause"];
  text?: string | null;
  files?: readonly string[] | undefined;
}

/** Result of a turn that brought none. */
export const NOTHING = toResult({ text: null });

interface Parts {
  store: RunStore;
  recorder: Recorder;
  control: Control;
  answers: RunAnswers;
  traces: RunTraces;
}

/** The write that ends a turn or a run: what it waits for, who is woken, what goes out. */
export function createSettle({ kernel, core }: Areas, { store, recorder, control, answers, traces }: Parts) {
  const { clock, due, hooks } = kernel;
  /** A run was made, or changed. `before` is undefined for a new one. */
  const changed = hooks.event<[change: RunChange, run: RunRow, before: RunRow | undefined]>("runs.changed");
  /** A run ended, or the result of one that had ended came late. */
  const ended = hooks.event<[run: RunRow, turn: TurnRow, how: RunEnding]>("runs.ended");

  async function save(tx: Tx, run: RunRow, before: RunRow): Promise<RunRow> {
    await store.save(tx, run);
    // A run that was just made has no turn yet.
    await tell(tx, run, before.turnId === "" ? undefined : before);
    return run;
  }

  async function tell(tx: Tx, run: RunRow, before: RunRow | undefined): Promise<void> {
    const { dueAt } = run;
    if (dueAt !== null) tx.afterCommit(() => due.notice(dueAt));
    noteFacets(tx, run, before);
    await changed.raise(tx, toChange(run), run, before);
  }

  /** Lists find a run by its project, tags and pull requests. */
  function noteFacets(tx: Tx, run: RunRow, before: RunRow | undefined): void {
    // Links alone come later, and stay.
    if (before === undefined || run.links !== "[]")
      core.facets.note(tx, "run", run.number, run.threadId, facetedOf(run));
  }

  /** A new turn, which waits for its runner. */
  async function addTurn(tx: Tx, run: RunRow, { cause, text = null, files }: Prompt): Promise<TurnRow> {
    const turn: TurnRow = {
      ...{
        id: newId("trn", clock.now()),
        runId: run.id,
        number: store.lastTurn(tx, run.id) + 1,
        cause,
        createdAt: clock.now(),
      },
      ...{ startedAt: null, endedAt: null, outcome: null, late: false, owed: false },
      ...{ text, files: files?.length ? JSON.stringify(files) : null },
    };
    await store.addTurn(tx, turn);
    return turn;
  }

  /** Lets a run wait for a person, who has to allow its message: its runner does not hear of it. */
  const wait = (tx: Tx, before: RunRow, turn: TurnRow): Promise<RunRow> =>
    save(tx, { ...before, turnId: turn.id, turns: turn.number }, before);

  /** Tells the runner of a turn that waits; answers its files. */
  async function offer(tx: Tx, run: RunRow, turn: TurnRow): Promise<string[]> {
    const isWake = turn.cause === "wake";
    const files: string[] = turn.files === null ? [] : JSON.parse(turn.files);
    const findings = isWake ? await store.findings(tx, run.id) : undefined;
    await control.tell(tx, run, { do: isWake ? "wake" : "start", text: turn.text, files, findings });
    return files;
  }

  /** Says again what waits for the runner: the word has expired while the relay was away. */
  async function remind(tx: Tx, run: RunRow): Promise<void> {
    if (run.status === "stopping") await control.tell(tx, run, { do: "abort", text: run.error });
    const turn = run.status === "queued" && run.approvalId === null ? await store.turn(tx, run.turnId) : undefined;
    if (turn) await offer(tx, run, turn);
  }

  /** Lets a turn wait for the runner, and tells the runner of it. */
  async function queue(tx: Tx, before: RunRow, turn: TurnRow, saidAs?: string): Promise<RunRow> {
    const isWake = turn.cause === "wake";
    const now = clock.now();
    const deadlineAt = isWake ? before.deadlineAt : now + (before.timeoutSeconds ?? DAY_MS / 1000) * 1000;
    const dueAt = isWake ? Math.min(now + WAKE_MS, deadlineAt ?? Number.POSITIVE_INFINITY) : deadlineAt;
    const run: RunRow = {
      ...{ ...before, status: "queued", turnId: turn.id, turns: turn.number, deadlineAt, dueAt, closing: null },
      ...{ outcome: null, errorCode: null, error: null, confirmed: null, late: false, endedAt: null, compact: false },
      abortedBy: null,
      wokenAt: isWake ? now : null,
    };
    const files = await offer(tx, run, turn);
    if (turn.text !== null) await recorder.said(tx, run, turn.id, { id: saidAs, text: turn.text, files });
    return save(tx, run, before);
  }

  /** Begins a turn for a prompt in a run that has none running. */
  const prompt = async (tx: Tx, run: RunRow, said: Prompt): Promise<RunRow> =>
    queue(tx, run, await addTurn(tx, run, said), said.id);

  /** The turn is over. Its run ends, or waits for runs that it asked for. */
  async function endTurn(tx: Tx, before: RunRow, turn: TurnRow, end: End): Promise<RunRow> {
    const { outcome, error, owed = false } = end;
    const over: TurnRow = { ...turn, endedAt: clock.now(), outcome, owed };
    await store.saveTurn(tx, over);
    await recorder.end(tx, before, turn, { outcome, error, reason: before.error, text: end.result?.text });
    // The recording is of one turn at a time: those given up meanwhile end after it.
    for (const given of await store.droppedAfter(tx, before.id, turn.number))
      await recorder.end(tx, before, given, { outcome: "aborted", reason: before.error });
    await traces.plan(tx, before, over);
    const run = { ...before, ...end.result?.columns, dueAt: null, closing: null };
    const next = await store.turnAfter(tx, run.id, turn.number);
    const waits = outcome === "ok" && run.status !== "stopping" && store.countAwaited(tx, run.id) > 0;
    if (waits && next) return queue(tx, run, next);
    if (waits) return save(tx, { ...run, status: "waiting", dueAt: run.deadlineAt }, before);
    const done = await endRun(tx, run, over, end, before);
    return next ? queue(tx, done, next) : done;
  }

  /** Ends a run: its answer and its result go out in this write. */
  async function endRun(tx: Tx, run: RunRow, turn: TurnRow, end: End, before = run): Promise<RunRow> {
    const { outcome, errorCode = null, error = null, confirmed = null } = end;
    const done: RunRow = {
      ...{
        ...run,
        status: "ended",
        outcome,
        errorCode,
        error: outcome === "ok" ? null : (error ?? run.error),
        confirmed,
      },
      ...{ endedAt: clock.now(), dueAt: null, closing: null },
    };
    await save(tx, done, before);
    await answers.give(tx, done, end);
    await ended.raise(tx, done, turn, { late: false, replyId: end.replyId });
    await settleAsker(tx, done);
    return done;
  }

  /** The run that asked for this one is woken, or ends, when nothing is left to wait for. */
  async function settleAsker(tx: Tx, { requester }: RunRow): Promise<void> {
    const asker = requester?.startsWith("run_") ? await store.byId(tx, requester) : undefined;
    if (asker?.status !== "waiting" || store.countAwaited(tx, asker.id) > 0) return;
    if (asker.wakeOnSettle && asker.wokenAt === null) await prompt(tx, asker, { cause: "wake" });
    else await endWaiting(tx, asker, { outcome: "ok" });
  }

  /** Ends a run whose own turn is over: with the result that this turn had. */
  async function endWaiting(tx: Tx, run: RunRow, end: End): Promise<RunRow> {
    const turn = await store.turn(tx, run.turnId);
    if (!turn) throw new Error(`${run.id} has no turn ${run.turnId}`);
    return endRun(tx, run, turn, end);
  }

  /** A turn that waits is given up. */
  async function dropTurn(tx: Tx, run: RunRow, turn: TurnRow, end: End): Promise<TurnRow> {
    const over: TurnRow = { ...turn, endedAt: clock.now(), outcome: end.outcome };
    await store.saveTurn(tx, over);
    await recorder.end(tx, run, turn, { outcome: end.outcome, error: end.error, reason: end.error });
    return over;
  }

  /** Gives up the turn that a message asked for while another one runs. */
  async function dropNext(tx: Tx, run: RunRow, { outcome }: Pick<End, "outcome" | "error">): Promise<void> {
    const next = await store.turnAfter(tx, run.id, run.turns);
    if (next) await store.saveTurn(tx, { ...next, endedAt: clock.now(), outcome });
  }

  /** Ends a live run whatever it is at, with everything that it waits for. */
  async function cutShort(tx: Tx, run: RunRow, end: End): Promise<RunRow> {
    if (run.status === "waiting") return endWaiting(tx, run, end);
    const turn = await store.turn(tx, run.turnId);
    if (!turn) throw new Error(`${run.id} has no turn ${run.turnId}`);
    if (run.status === "queued") {
      const over = await dropTurn(tx, run, turn, end);
      // A run that was to be woken has the result of its own turn.
      return endRun(tx, turn.cause === "wake" ? run : { ...run, ...NOTHING.columns }, over, end, run);
    }
    await dropNext(tx, run, end);
    return endTurn(tx, run, turn, { ...end, result: end.result ?? NOTHING });
  }

  /** The result of a run that has ended came late. */
  async function takeLate(tx: Tx, run: RunRow, turn: TurnRow, before: RunRow): Promise<void> {
    await save(tx, run, before);
    await answers.give(tx, run, { isReported: true });
    await ended.raise(tx, run, turn, { late: true });
  }

  return {
    changed,
    ended,
    takeLate,
    save,
    tell,
    addTurn,
    wait,
    queue,
    remind,
    prompt,
    endTurn,
    endRun,
    endWaiting,
    dropTurn,
    dropNext,
    cutShort,
  };
}

const facetedOf = ({ project, tags, links }: RunRow) => ({
  project,
  tags: JSON.parse(tags) as string[],
  links: JSON.parse(links) as RunLink[],
});
