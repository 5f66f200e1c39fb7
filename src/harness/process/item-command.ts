import { Failure, Release, RunStopped } from "../../client/client.ts";
import type { WorkHandler } from "../../client/item.ts";
import { headOf } from "../../client/text.ts";
import { BODY_BYTES } from "../../protocol/limits.ts";
import type { Claimed } from "../../protocol/work.ts";
import { type ChildTask, CommandMissing, runChild } from "./child.ts";
import { runVariables } from "./run-report.ts";
import type { WorkRuns } from "./work-runs.ts";

export interface ItemCommand extends Pick<ChildTask, "file" | "args" | "environment" | "onStderr"> {
  /** Called when the command cannot be started; its item is released without a failed attempt. */
  onMissing(error: CommandMissing): void;
  /** Reports a run for each item; undefined for none. */
  runs?: WorkRuns | undefined;
}

/** `EX_TEMPFAIL` of sysexits: try again later. */
const TRY_LATER = 75;
const LONGEST_WAIT_SECONDS = 300;
const DELAYS_KEPT = 1000;

/** Handler of `client.work` that runs a command for each item: exit 0 completes it, 75 releases it, any other exit fails it. */
export function commandHandler({ environment, onMissing, runs, ...command }: ItemCommand): WorkHandler {
  const delays = createDelays();
  return async (message, { signal, claim }) => {
    const run = await runs?.begin(message, signal);
    const end = await runChild({
      ...command,
      ...{ signal: run?.signal ?? signal, maxOutput: BODY_BYTES, input: JSON.stringify(message) },
      onStdout: run?.onStdout,
      environment: { ...environment, ...variablesOf({ message, claim }), ...(run && runVariables(run)) },
    }).catch((error) => {
      if (error instanceof CommandMissing) onMissing(error);
      throw new Release(String(error));
    });
    const answer = run?.outputEnd();
    const complaint = end.stderr.trim();
    if (end.code === 0) return answer === undefined ? resultOf(end.stdout, end.stdoutBytes) : cutResult(answer);
    const stopped = run?.handle.signal.reason;
    if (stopped instanceof RunStopped) throw new Failure(stopped.message, { final: true });
    if (end.code === TRY_LATER) throw new Release(complaint || "not now", delays.next(message.id));
    const reason = end.signal ? `ended by ${end.signal}` : `exit ${end.code}`;
    throw new Failure([reason, complaint].filter(Boolean).join(": "));
  };
}

/** Delays of released items: 1 s, 2 s, 4 s, ... at most 5 min. Their attempts do not count. */
function createDelays() {
  const times = new Map<number, number>();
  return {
    /** Seconds until the item may be claimed again. */
    next(id: number): number {
      const before = times.get(id) ?? 0;
      times.delete(id);
      times.set(id, before + 1);
      const [oldest] = times.keys();
      if (times.size > DELAYS_KEPT && oldest !== undefined) times.delete(oldest);
      return Math.min(LONGEST_WAIT_SECONDS, 2 ** before);
    },
  };
}

const variablesOf = ({ message, claim }: Claimed): Record<string, string> => ({
  ...(message.claim && { SIGNALBOX_AGENT: message.claim.agentId }),
  SIGNALBOX_MESSAGE_ID: String(message.id),
  SIGNALBOX_THREAD_ID: String(message.threadId),
  SIGNALBOX_FROM: message.from,
  SIGNALBOX_ATTEMPT: String(claim.attempt),
  SIGNALBOX_LEASE_TOKEN: claim.token,
});

/** Result of a command: `undefined` without output, cut with a remark when it is too long for a message. */
function resultOf(stdout: string, bytes: number): string | undefined {
  const text = stdout.replace(/(\r?\n)+$/, "").toWellFormed();
  return cutResult(text, bytes) || undefined;
}

function cutResult(text: string, bytes = Buffer.byteLength(text)): string {
  if (bytes <= BODY_BYTES && Buffer.byteLength(text) <= BODY_BYTES) return text;
  const remark = `\n[cut: the output had ${bytes} bytes]`;
  return headOf(text, BODY_BYTES - remark.length) + remark;
}
