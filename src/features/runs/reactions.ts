import type { Areas } from "../../core/core.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { MessageRow, ScheduledRow } from "../../core/messages/row.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import { isProgress } from "../../protocol/progress.ts";
import { placeOf } from "./begin.ts";
import { toResult } from "./result.ts";
import type { RunRow, TurnRow } from "./row.ts";
import type { RunSettle } from "./settle.ts";
import type { RunStore } from "./store.ts";

const DROP = "run.drop";
/** Runs ended in one write when their agent is deleted. */
const SLICE = 200;
/** Queued runs of an agent among which a reply looks for its own. */
const MAX_QUEUED = 200;
const ANSWERS: ReadonlySet<string> = new Set(["chat", "response", "task", "channel.event"]);

/** Reactions of runs to what happens to messages and agents. */
export function createRunReactions({ kernel, core }: Areas, { store, settle }: { store: RunStore; settle: RunSettle }) {
  const { clock, due } = kernel;
  const { rows: messages } = core.messages;

  /**
   * An agent that knows nothing of runs ends a queued one by replying to its message, or to the word that it waits. The answer of an
   * earlier turn may come after a later one was asked for: only the word names that.
   */
  function replied(tx: Tx, message: MessageRow): Promise<void> | undefined {
    if (message.replyTo === null || message.fromId === "system" || !ANSWERS.has(message.kind)) return undefined;
    return isProgress(payloadIn(message)) ? undefined : endBy(tx, message);
  }

  /** The message of a run was allowed and is sent, so that its runner hears of it; or it never will be. */
  async function followWaited(tx: Tx, { waits, error }: ScheduledRow, entry: LogEntry | undefined): Promise<void> {
    const run = waits?.owner?.startsWith("run_") ? await store.byId(tx, waits.owner) : undefined;
    if (run?.status !== "queued" || run.approvalId === null || run.approvalId !== waits?.approvalId) return;
    const turn = await store.turn(tx, run.turnId);
    if (!entry || !turn) {
      await settle.cutShort(tx, run, { outcome: "error", errorCode: "refused", error });
      return;
    }
    const sessionKey = run.sessionKey === run.id ? undefined : run.sessionKey;
    await settle.queue(tx, { ...run, ...placeOf(entry, sessionKey), approvalId: null }, turn);
  }

  /** The turn that a word of the relay is about: a turn may have been offered more than once. */
  async function offeredBy(on: ReadTx, id: number): Promise<string | undefined> {
    const word = await messages.byId(on, id);
    if (word?.kind !== "control" || word.fromId !== "system" || word.payload === null) return undefined;
    return JSON.parse(word.payload).run?.turnId;
  }

  async function endBy(tx: Tx, message: MessageRow): Promise<void> {
    const queued = await store.queuedOf(tx, message.fromId, MAX_QUEUED);
    const offered = queued.length > 0 && message.replyTo !== null ? await offeredBy(tx, message.replyTo) : undefined;
    for (const run of queued) {
      const turn = await store.turn(tx, run.turnId);
      const isTask = turn?.cause === "begin" && run.messageId === message.replyTo;
      if (!turn || (offered !== turn.id && !isTask)) continue;
      return take(tx, run, turn, message);
    }
  }

  async function take(
    tx: Tx,
    run: RunRow,
    turn: TurnRow,
    { id, body, payload, opaque, replyTo }: MessageRow,
  ): Promise<void> {
    const result = toResult({ text: body, files: filesIn(payload) });
    if (run.expectsResult && result.columns.result === null && result.columns.resultFiles === null) return;
    const isAnswered = replyTo === run.messageId;
    const begun = { ...turn, startedAt: clock.now() };
    const row = { ...run, opaque: run.opaque || opaque };
    await settle.endTurn(tx, row, begun, { outcome: "ok", result, isReported: true, isAnswered, replyId: id });
  }

  async function drop(tx: Tx, agentId: string, upTo: number): Promise<void> {
    const live = await store.liveOf(tx, agentId, upTo, SLICE);
    const pause = createPauses();
    for (const { id } of live) {
      await pause();
      const run = await store.byId(tx, id);
      if (!run || run.status === "ended") continue;
      await settle.cutShort(tx, run, { outcome: "error", errorCode: "no-runner", error: `${agentId} was deleted.` });
    }
    if (live.length === SLICE) await due.schedule(tx, DROP, agentId, clock.now(), { upTo });
  }

  /**
   * Words to runners whose turn is over, and tasks of runs that a runner has taken or that have ended: their reader has nothing to
   * do for them.
   */
  async function settledAmong(on: ReadTx, entries: readonly LogEntry[]): Promise<number[]> {
    const over: number[] = [];
    for (const entry of entries) {
      const runId = taskIn(entry);
      const run = runId === undefined ? undefined : await store.byId(on, runId);
      if (run && (run.status !== "queued" || run.turns > 1)) over.push(entry.id);
      const turnId = turnIn(entry);
      const turn = turnId === undefined ? undefined : await store.turn(on, turnId);
      if (turnId !== undefined && (turn === undefined || turn.endedAt !== null)) over.push(entry.id);
    }
    return over;
  }

  return {
    replied,
    followWaited,
    settledAmong,
    /** Ends the live runs of a deleted agent. Runs that it asked for go on. */
    dropAgent: (tx: Tx, agentId: string): Promise<void> => drop(tx, agentId, store.head(tx)),
    dueHandlers: { [DROP]: (tx: Tx, row: DueRow) => drop(tx, row.key, Number(row.data.upTo)) },
  };
}

/** The turn that a word of the relay to a runner is about. */
function turnIn({ kind, from, json }: LogEntry): string | undefined {
  if (kind !== "control" || from !== "system" || !json.includes('"turnId":"trn_')) return undefined;
  const { payload } = JSON.parse(json) as { payload: { run?: { turnId?: string } } | null };
  return payload?.run?.turnId;
}

/** The run whose task a message is. */
function taskIn({ kind, json }: LogEntry): string | undefined {
  if (kind === "control" || !json.includes('"run":{"id":"run_')) return undefined;
  const { payload } = JSON.parse(json) as { payload: { run?: { id?: string } } | null };
  return payload?.run?.id;
}

const payloadIn = ({ payload }: MessageRow): Record<string, unknown> | null =>
  payload?.includes('"progress":') ? JSON.parse(payload) : null;

/** Files that a payload carries. */
function filesIn(payload: string | null): string[] {
  const files: unknown = payload?.includes('"fil_') ? JSON.parse(payload).files : undefined;
  if (!Array.isArray(files)) return [];
  return files.flatMap((file: unknown) => {
    const id = typeof file === "object" && file !== null && "fileId" in file ? file.fileId : undefined;
    return typeof id === "string" ? [id] : [];
  });
}
