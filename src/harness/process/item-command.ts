import { Failure, Release } from "../../client/client.ts";
import type { WorkHandler } from "../../client/item.ts";
import { headOf } from "../../client/text.ts";
import { BODY_BYTES } from "../../protocol/limits.ts";
import type { Claimed } from "../../protocol/work.ts";
import { type ChildTask, CommandMissing, runChild } from "./child.ts";

export interface ItemCommand extends Pick<ChildTask, "file" | "args" | "environment" | "onStderr"> {
  /** Called when the command cannot be started; its item is released without a failed attempt. */
  onMissing(error: CommandMissing): void;
}

/** `EX_TEMPFAIL` of sysexits: try again later. */
const TRY_LATER = 75;
const LONGEST_WAIT_SECONDS = 300;
const DELAYS_KEPT = 1000;

/** Handler of `client.work` that runs a command for each item: exit 0 completes it, 75 releases it, any other exit fails it. */
export function commandHandler({ environment, onMissing, ...command }: ItemCommand): WorkHandler {
  const delays = createDelays();
  return async (message, { signal, claim }) => {
    const end = await runChild({
      ...command,
      ...{ signal, maxOutput: BODY_BYTES, input: JSON.stringify(message) },
      environment: { ...environment, ...variablesOf({ message, claim }) },
    }).catch((error) => {
      if (error instanceof CommandMissing) onMissing(error);
      throw new Release(String(error));
    });
    const complaint = end.stderr.trim();
    if (end.code === 0) return resultOf(end.stdout, end.stdoutBytes);
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
  if (bytes <= BODY_BYTES && Buffer.byteLength(text) <= BODY_BYTES) return text || undefined;
  const remark = `\n[cut: the output had ${bytes} bytes]`;
  return headOf(text, BODY_BYTES - remark.length) + remark;
}
