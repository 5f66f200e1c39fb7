import { type Client, RunFailure, RunStopped } from "../../client/client.ts";
import type { RunHandler } from "../../client/run-serve.ts";
import { headOf } from "../../client/text.ts";
import type { Run } from "../../protocol/runs.ts";
import { type ChildTask, CommandMissing, runChild } from "./child.ts";
import { createRunOutput } from "./run-output.ts";
import { runVariables } from "./run-report.ts";

export interface TurnCommand extends Pick<ChildTask, "file" | "args" | "environment" | "onStderr"> {
  client: Client;
  /** Called when the command cannot be started; its run ends as refused. */
  onMissing(error: CommandMissing): void;
}

/** `EX_TEMPFAIL` of sysexits: the command takes no work now. */
const TRY_LATER = 75;
const OUTPUT_KEPT = 64 * 1024;
const ERROR_BYTES = 4096;

/**
 * Handler of `client.runs.serve` that runs a command for each turn. The command gets the run's message as JSON on stdin, with the
 * turn's text as `body`; its stdout is the answer. Exit 75 ends the run as refused, any other exit but 0 as crashed.
 */
export function turnHandler({ client, environment, onMissing, ...command }: TurnCommand): RunHandler {
  return async (handle) => {
    const { run, turn, signal } = handle;
    const { messageId } = run;
    const message =
      messageId === null ? undefined : await client.messages.get(messageId, { signal }).catch(() => undefined);
    if (message) handle.input([message.id]);
    const output = createRunOutput(handle);
    const end = await runChild({
      ...{ ...command, signal, maxOutput: OUTPUT_KEPT, onStdout: output.take },
      input: JSON.stringify({ ...message, body: turn.text ?? "", files: turn.files, findings: turn.findings }),
      environment: { ...environment, ...variablesOf(run, message?.from), ...runVariables({ handle }) },
    }).catch((error) => {
      if (error instanceof CommandMissing) onMissing(error);
      throw new RunFailure("refused", String(error));
    });
    const answer = output.end();
    if (end.code === 0) return answer;
    if (signal.reason instanceof RunStopped) throw signal.reason;
    const reason = end.signal ? `ended by ${end.signal}` : `exit ${end.code}`;
    const text = headOf([reason, end.stderr.trim()].filter(Boolean).join(": "), ERROR_BYTES);
    throw new RunFailure(end.code === TRY_LATER ? "refused" : "crashed", text);
  };
}

const variablesOf = ({ agentId, messageId, threadId }: Run, from: string | undefined) => ({
  SIGNALBOX_AGENT: agentId,
  ...(messageId === null ? {} : { SIGNALBOX_MESSAGE_ID: String(messageId), SIGNALBOX_THREAD_ID: String(threadId) }),
  ...(from === undefined ? {} : { SIGNALBOX_FROM: from }),
});
