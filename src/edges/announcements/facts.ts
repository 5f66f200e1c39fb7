import { withMissing } from "../../features/runs/missing.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { AnnouncementFacts, AnnouncementFinding, AnnouncementInstruction } from "../../protocol/announcements.ts";
import { withLinks } from "../../protocol/link-text.ts";
import type { AnnouncementRow } from "./row.ts";

/** Body of a result without text. */
export const NO_OUTPUT = "(no output)";
/** Characters of the task, and of the task of a finding. */
const TASK = 2000;
const TITLE = 500;
/** Findings that one announcement carries, and characters of each. */
const FINDINGS = 20;
const FINDING = 4000;

/** Input of the facts, beside the run. */
export interface Ending {
  row: Pick<AnnouncementRow, "id" | "late">;
  run: RunRow;
  /** Start of the first turn, in milliseconds; null when no runner took one. */
  startedAt: number | null;
  /** Runs that it asked for, when nobody took the turn that would have told it of them. */
  findings: readonly RunRow[];
  instruction: AnnouncementInstruction;
  /** The run that asked for it, and has not ended. */
  asker: Pick<RunRow, "id"> | undefined;
}

/** `payload.announcement`: facts as the relay knows them. Texts for models are made of these at reading. */
export function factsOf({ row, run, startedAt, findings, instruction, asker }: Ending): AnnouncementFacts {
  const { id: runId, agentId, sessionKey, label, cause: source } = run;
  return {
    ...{ announcementId: row.id, runId, source, agentId, sessionKey, label },
    ...{ task: taskOf(run, TASK), ...outcomeOf(run), late: row.late, result: partOf(run) },
    findings: findings.slice(0, FINDINGS).map(findingOf),
    findingsLeftOut: Math.max(0, findings.length - FINDINGS),
    stats: {
      runtimeSeconds: runtimeOf(run, startedAt),
      ...{ inputTokens: run.inputTokens, outputTokens: run.outputTokens, costUsd: run.costUsd },
      cacheTokens: run.cacheReadTokens + run.cacheWriteTokens,
    },
    instruction,
    ...(asker && { forRunId: asker.id }),
  };
}

/** Text of the result. A failed run may have none, and an encrypted one is carried as it is. */
export const bodyOf = ({ result }: RunRow): string => (result === null || result.trim() === "" ? NO_OUTPUT : result);

/** Text for a chat, where nobody puts it into words: a failure is told in front of what there is. */
export function chatTextOf(run: RunRow): string {
  const { status, statusText } = outcomeOf(run);
  if (run.opaque) return bodyOf(run);
  return withLinks(withMissing(spokenOf(run, status, statusText), run), JSON.parse(run.links));
}

function spokenOf(run: RunRow, status: ReturnType<typeof outcomeOf>["status"], statusText: string | null): string {
  if (status === "ok") return bodyOf(run);
  const failed = { error: "failed", timeout: "timed out", aborted: "was stopped", unknown: "ended" }[status];
  const line = `${run.label ?? "The task"} ${failed}${statusText ? `: ${statusText}` : "."}`;
  return run.result === null ? line : `${line}\n\n${run.result}`;
}

const taskOf = ({ opaque, task }: RunRow, characters: number): string | null => (opaque ? null : cut(task, characters));

const outcomeOf = ({ outcome, error, errorCode }: RunRow) => ({
  status: outcome ?? ("unknown" as const),
  statusText: outcome === "ok" ? null : (error ?? errorCode),
});

const partOf = ({ resultCut, resultFileId }: RunRow) => ({
  cut: resultCut,
  ...(resultFileId === null ? {} : { fileId: resultFileId }),
});

function findingOf(run: RunRow): AnnouncementFinding {
  const text = run.opaque ? "" : cut(bodyOf(run), FINDING);
  const isCut = run.resultCut || text.length < (run.result ?? "").length;
  return {
    ...{ runId: run.id, agentId: run.agentId, label: run.label, task: taskOf(run, TITLE), ...outcomeOf(run) },
    result: { text, ...partOf(run), cut: isCut },
  };
}

const runtimeOf = ({ endedAt }: RunRow, startedAt: number | null): number | null =>
  startedAt === null || endedAt === null || endedAt <= startedAt ? null : Math.round((endedAt - startedAt) / 1000);

const cut = (text: string, characters: number): string =>
  text.length > characters ? text.slice(0, characters).toWellFormed() : text;
