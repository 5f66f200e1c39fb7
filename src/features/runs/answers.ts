import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Delegations } from "../delegations/delegations.ts";
import { withMissing } from "./missing.ts";
import type { RunRow } from "./row.ts";

export type RunAnswers = ReturnType<typeof createRunAnswers>;

/** Outcome of a run as far as its answer depends on it. */
interface Ending {
  /** The runner reported it: a failure is the runner's answer, else the relay's. */
  isReported?: boolean | undefined;
  /** The runner has answered the message itself. */
  isAnswered?: boolean | undefined;
}

/** The answer of a run that serves a delegation or a held claim: it goes out in the write that ends the run. */
export function createRunAnswers({ kernel, core, delegations }: Areas & { delegations: Delegations }) {
  const { clock } = kernel;
  const { rows: works, holders } = core.work;

  /** Does nothing when the message was answered, or its lease has ended. */
  async function give(tx: Tx, run: RunRow, { isReported = false, isAnswered = false }: Ending): Promise<void> {
    if (run.messageId === null) return;
    const work = await works.byId(tx, run.messageId);
    const held = work?.state === "claimed" && work.holder === run.agentId && (work.dueAt ?? 0) > clock.now();
    const isOk = run.outcome === "ok";
    if (run.delegationId !== null && (isOk || (isReported && run.outcome === "error")))
      return delegations.answerBy(tx, run.delegationId, { from: run.agentId, ...answerOf(run) });
    if (run.delegationId !== null && !work) return delegations.giveUp(tx, run.delegationId, errorOf(run));
    if (!held || !work) return;
    // The lease of a runner that is not heard of ends by itself, and another worker takes over.
    const isSilent = !isReported && (run.errorCode === "lost" || run.errorCode === "no-runner");
    if (isOk) await holders.completeHeld(tx, work, hasWords(run) && !isAnswered ? answerOf(run) : undefined);
    else if (!isSilent) await holders.failHeld(tx, work, errorOf(run));
  }

  return { give };
}

const hasWords = (run: RunRow): boolean => run.result !== null || run.resultFiles !== null;

function answerOf(run: RunRow) {
  const files: string[] = run.resultFiles === null ? [] : JSON.parse(run.resultFiles);
  if (run.resultFileId !== null) files.unshift(run.resultFileId);
  const error = run.outcome === "ok" ? undefined : errorOf(run);
  return {
    body: run.opaque ? (run.result ?? error ?? "") : withMissing(run.result ?? error ?? "", run),
    encoding: run.opaque ? ("opaque" as const) : ("plain" as const),
    payload: {
      runId: run.id,
      ...(files.length ? { files: files.map((fileId) => ({ fileId })) } : {}),
      ...(error === undefined ? {} : { delegation: { error } }),
    },
  };
}

const errorOf = ({ id, outcome, errorCode, error }: RunRow): string =>
  error ?? `${id} ended as ${errorCode ?? outcome}`;
