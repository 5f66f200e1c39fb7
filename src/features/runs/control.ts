import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { MessageId } from "../../protocol/ids.ts";
import { toTime } from "../../protocol/wire.ts";
import type { RunRow } from "./row.ts";
import { resultOf } from "./view.ts";

const SYSTEM: Author = { id: "system", kind: "system", via: null };
/** Characters of a finding that wakes its requester; the whole is in its run. */
const FINDING = 8000;

/** Word of the relay to a runner. */
export interface Word {
  do: "start" | "abort" | "message" | "wake";
  text?: string | null | undefined;
  files?: readonly string[] | null | undefined;
  /** Runs that it asked for, with their results. */
  findings?: readonly RunRow[] | undefined;
}

/** Tells runners, by urgent `control` messages that expire with their turn. */
export function createControl({ core }: Pick<Areas, "core">) {
  const { messages } = core;

  return {
    /** Answers the message's id; undefined when the agent is gone. */
    async tell(tx: Tx, run: RunRow, word: Word): Promise<MessageId | undefined> {
      const isThere = run.messageId !== null && (await messages.rows.lineage(tx, run.messageId)) !== undefined;
      const sent = await messages.post(tx, SYSTEM, {
        to: run.agentId,
        kind: "control",
        urgent: true,
        subject: `${TITLES[word.do]} ${run.label ?? run.id}`,
        body: bodyOf(run, word),
        encoding: run.opaque && word.do === "start" ? "opaque" : "plain",
        replyTo: isThere ? run.messageId : null,
        expiresAt: run.dueAt === null ? null : toTime(run.dueAt),
        payload: {
          run: {
            ...{ id: run.id, turnId: run.turnId, do: word.do },
            ...(word.text == null ? {} : { text: word.text }),
            ...(word.findings === undefined ? {} : { findings: word.findings.map(finding) }),
          },
          ...(word.files?.length ? { files: word.files.map((fileId) => ({ fileId })) } : {}),
        },
      });
      return sent?.entry.id;
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

function finding(run: RunRow) {
  const result = resultOf(run);
  const text = result?.text ?? "";
  return {
    ...{ runId: run.id, agentId: run.agentId, label: run.label, task: run.task.slice(0, 500) },
    ...{ outcome: run.outcome, errorCode: run.errorCode, error: run.error },
    result: result && { ...result, text: text.slice(0, FINDING), cut: result.cut || text.length > FINDING },
  };
}
