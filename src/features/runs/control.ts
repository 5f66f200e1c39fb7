import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { toTime } from "../../protocol/wire.ts";
import type { RunRow } from "./row.ts";
import { resultOf } from "./view.ts";

const SYSTEM: Author = { id: "system", kind: "system", via: null };
/** Characters of a finding that wakes its requester, and of all of them together; the whole is in each run. */
const FINDING = 8000;
const FINDINGS = 128 * 1024;
/** Characters of its task. */
const TASK = 500;

/** Word of the relay to a runner. */
export interface Word {
  do: "start" | "abort" | "message" | "wake";
  text?: string | null | undefined;
  files?: readonly string[] | null | undefined;
  /** Runs that it asked for, with their results. */
  findings?: readonly RunRow[] | undefined;
}

/** Tells runners, by urgent `control` messages that expire with their turn. */
export function createControl({ kernel, core }: Pick<Areas, "kernel" | "core">) {
  const { clock } = kernel;
  const { messages } = core;

  return {
    /** Says nothing to an agent that is gone. */
    async tell(tx: Tx, run: RunRow, word: Word): Promise<void> {
      const isThere = run.messageId !== null && (await messages.rows.lineage(tx, run.messageId)) !== undefined;
      await messages.post(tx, SYSTEM, {
        to: run.agentId,
        kind: "control",
        urgent: true,
        subject: `${TITLES[word.do]} ${run.label ?? run.id}`,
        body: bodyOf(run, word),
        encoding: run.opaque && word.do === "start" && word.text == null ? "opaque" : "plain",
        replyTo: isThere ? run.messageId : null,
        expiresAt: toTime(endOf(run, clock.now())),
        payload: {
          run: {
            ...{ id: run.id, turnId: run.turnId, do: word.do },
            ...(word.text == null ? {} : { text: word.text }),
            ...(word.findings === undefined ? {} : { findings: findingsOf(word.findings) }),
          },
          ...(word.files?.length ? { files: word.files.map((fileId) => ({ fileId })) } : {}),
        },
      });
    },
  };
}

export type Control = ReturnType<typeof createControl>;

const TITLES = { start: "Start", abort: "Stop", message: "Message to", wake: "Go on with" } as const;

function bodyOf(run: RunRow, { do: what, text, findings }: Word): string {
  if (what === "start") return text ?? run.task;
  if (what === "wake") return `The ${findings?.length ?? 0} runs that ${run.id} asked for have ended.`;
  return text ?? (what === "abort" ? `${run.id} is asked to stop.` : "");
}

/** Latest end of the turn. The lease of a running one is renewed, so its end says nothing. */
const endOf = ({ status, deadlineAt, dueAt }: RunRow, now: number): number =>
  (status === "running" ? deadlineAt : dueAt) ?? now + DAY_MS;

function findingsOf(runs: readonly RunRow[]) {
  const characters = Math.min(FINDING, Math.floor(FINDINGS / Math.max(1, runs.length)));
  return runs.map((run) => finding(run, characters));
}

/** A part of what clients have encrypted is of no use: it is left out. */
function finding(run: RunRow, characters: number) {
  const part = (text: string, limit: number) =>
    text.length <= limit ? text : run.opaque ? "" : text.slice(0, limit).toWellFormed();
  const result = resultOf(run);
  const whole = result?.text ?? "";
  const text = part(whole, characters);
  return {
    ...{ runId: run.id, agentId: run.agentId, label: run.label, task: part(run.task, TASK) },
    ...{ outcome: run.outcome, errorCode: run.errorCode, error: run.error },
    result: result && { ...result, text, cut: result.cut || text.length < whole.length },
  };
}
