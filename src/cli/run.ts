import { type BatchEvent, DIGEST_PLACE, runBatches } from "../harness/process/batches.ts";
import type { CliCommand } from "./commands.ts";
import { agentOf, type Context, reportingOf } from "./context.ts";
import { wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { childEnvironment } from "./settings.ts";
import { untilStopped } from "./stopped.ts";

export function addRunCommand(program: CliCommand): void {
  program
    .sub("run", "Start an agent's command for each batch of messages, one at a time, until Ctrl-C", "Harnesses:")
    .argument("<command...>", "the command and its arguments, after --")
    .option("--budget <tokens>", "tokens of text in a batch", wholeNumber, 4000)
    .option("--no-run", "report no runs")
    .addHelpText("after", HELP)
    .act(run);
}

const HELP = `
The command gets the agent's unread messages as text on stdin, or in place of ${DIGEST_PLACE} in an argument, and the variables
SIGNALBOX_URL, SIGNALBOX_AGENT, SIGNALBOX_UNREAD and SIGNALBOX_RUN, which keeps the hooks of connect quiet. Exit 0 acknowledges the
shown messages. Any other exit does not, and the command starts again after 1 s, 2 s, ... up to 5 min. At Ctrl-C it gets SIGTERM,
and SIGKILL 10 s later. Meanwhile the roster shows the agent as reachable when idle. Acknowledged work that opens again starts no
command here: use signalbox work.

Each batch is a run that others watch and stop (signalbox runs): its stdout is the answer, or the events of Claude Code's
stream-json and Codex's --json. SIGNALBOX_RUN_TOKEN puts runs that the command asks for below it. --no-run reports none.

Examples:
  $ signalbox run --keys ~/.config/signalbox/agents/claude.reviewer.json -- claude -p
  $ signalbox run --as builder -- codex exec --skip-git-repo-check '${DIGEST_PLACE}'`;

async function run(context: Context, words: string[], options: { budget: number; run: boolean }): Promise<void> {
  const { client, settings, out } = context;
  const { budget } = options;
  const signal = untilStopped();
  const agentId = await agentOf(context);
  await runBatches({
    ...{ client, agentId, command: words, budget, signal },
    environment: childEnvironment(settings.url),
    runs: options.run ? reportingOf(context) : undefined,
    onEvent: (event) => print(event, agentId, out),
    onStdout: (text) => void process.stdout.write(safeText(text)),
    onStderr: (text) => void process.stderr.write(safeText(text)),
  });
}

function print(event: BatchEvent, agentId: string, out: Output): void {
  if (event.type === "waiting") out.note(`Waiting for messages to ${safeLine(agentId)}`);
  // The write fails when stdout is closed, which stops the program anyway.
  else if (out.json) out.item(event, () => "").catch(() => undefined);
  else out.note(textOf(event));
}

function textOf(event: Exclude<BatchEvent, { type: "waiting" }>): string {
  if (event.type === "started") return `Started for ${event.shown.length} of ${event.unread}`;
  if (event.type === "done") return event.ack === null ? "Done" : `Done up to #${event.ack}`;
  return `${safeLine(event.reason)}: again in ${Math.ceil(event.inMs / 1000)} s`;
}
