import type { ReadTx } from "../../kernel/db/database.ts";
import type { Run, RunChange, RunResult, RunTurn, RunUsage } from "../../protocol/runs.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { tokenOf } from "./fence.ts";
import type { RunRow, TurnRow } from "./row.ts";
import type { RunStore } from "./store.ts";

/** Turns of a run that its wire form shows. */
const MAX_TURNS = 100;

export const isRunning = ({ status }: RunRow): boolean => status === "running" || status === "stopping";

/** A run as it goes out. `isRunner`: with the fence of its running turn. */
export async function readRun(on: ReadTx, store: RunStore, row: RunRow, isRunner: boolean): Promise<Run> {
  const turns = await store.turnsOf(on, row.id, MAX_TURNS);
  return toRun(row, turns, isRunner && isRunning(row) ? tokenOf(row.turnId) : undefined);
}

function toRun(row: RunRow, turns: readonly TurnRow[], token: string | undefined): Run {
  return {
    ...toChange(row),
    sessionId: row.sessionId,
    orchestratorId: row.orchestratorId,
    task: row.task,
    cause: row.cause,
    delegationId: row.delegationId,
    depth: row.depth,
    requester: parsed(row.requesterJson),
    person: row.person,
    origin: parsed(row.origin),
    tags: JSON.parse(row.tags),
    links: JSON.parse(row.links),
    error: row.error,
    confirmed: row.confirmed,
    turns: turns.map(toTurn),
    model: row.model,
    cwd: row.cwd,
    usage: usageOf(row),
    result: resultOf(row),
    encoding: row.opaque ? "opaque" : "plain",
    deadlineAt: toTimeOrNull(row.deadlineAt),
    wokenAt: toTimeOrNull(row.wokenAt),
    wakeOnSettle: row.wakeOnSettle,
    approvalId: row.approvalId,
    ...(token === undefined ? {} : { token }),
  };
}

/** The part of a run that watchers and webhooks hear of. */
export const toChange = (row: RunRow): RunChange => ({
  ...{ id: row.id, agentId: row.agentId, sessionKey: row.sessionKey, label: row.label, messageId: row.messageId },
  ...{ threadId: row.threadId, parentId: row.parentId, rootRunId: row.rootRunId, status: row.status },
  ...{ outcome: row.outcome, errorCode: row.errorCode, late: row.late, turnId: row.turnId, project: row.project },
  ...{ createdAt: toTime(row.createdAt), endedAt: toTimeOrNull(row.endedAt) },
});

const toTurn = ({ id, startedAt, endedAt, outcome, late }: TurnRow): RunTurn => ({
  ...{ turnId: id, startedAt: toTimeOrNull(startedAt), endedAt: toTimeOrNull(endedAt), outcome, late },
});

export const usageOf = (row: RunRow): RunUsage => ({
  ...{ inputTokens: row.inputTokens, outputTokens: row.outputTokens, cacheReadTokens: row.cacheReadTokens },
  ...{ cacheWriteTokens: row.cacheWriteTokens, costUsd: row.costUsd, byModel: parsed(row.byModel) ?? {} },
});

/** Null while it has none, and after a turn that had nothing to say. */
export function resultOf(row: RunRow): RunResult | null {
  const [files, missingFiles] = [parsed<string[]>(row.resultFiles), parsed<string[]>(row.missingFiles)];
  if (row.result === null && files === null && missingFiles === null) return null;
  return {
    text: row.result ?? "",
    cut: row.resultCut,
    ...(row.resultFileId === null ? {} : { fileId: row.resultFileId }),
    ...(files === null ? {} : { files }),
    ...(missingFiles === null ? {} : { missingFiles }),
  };
}

const parsed = <T>(json: string | null): T | null => (json === null ? null : JSON.parse(json));
