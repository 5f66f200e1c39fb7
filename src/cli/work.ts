import type { WorkHandler } from "../client/item.ts";
import type { RunHandler, ServeEvent } from "../client/run-serve.ts";
import { createSlots } from "../client/slots.ts";
import type { WorkEvent } from "../client/work.ts";
import type { CommandMissing } from "../harness/process/child.ts";
import { commandHandler } from "../harness/process/item-command.ts";
import { type TurnCommand, turnHandler } from "../harness/process/turn-command.ts";
import { createWorkRuns } from "../harness/process/work-runs.ts";
import type { MessageKind } from "../protocol/messages.ts";
import { unnamed } from "./claims.ts";
import type { CliCommand } from "./commands.ts";
import { agentOf, type Context, reportingOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { collect, collectKinds, positive, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { childEnvironment } from "./settings.ts";
import { untilStopped } from "./stopped.ts";

interface WorkOptions {
  kind?: MessageKind[];
  topic?: string[];
  lease?: number;
  concurrency?: number;
  resume?: boolean;
  retries?: number;
  once?: boolean;
  exitWhenEmpty?: boolean;
  shell?: boolean;
  run: boolean;
}

export function addWorkCommand(program: CliCommand): void {
  program
    .sub("work", "Claim work as it comes and run a command for each item, until Ctrl-C", "Work:")
    .argument("<command...>", "the command and its arguments, after --")
    .option("--kind <kind>", "only this kind; repeatable", collectKinds)
    .option("--topic <topic>", "only this topic; repeatable", collect)
    .option(
      "--lease <seconds>",
      "time until a claim ends if it is not renewed; it is renewed after a third (default: 600)",
      wholeNumber,
    )
    .option("--concurrency <n>", "items at a time (default: 1)", positive)
    .option("--retries <n>", "retries of a failed item (default: as many as its sender allows)", wholeNumber)
    .option(
      "--once",
      "end after one item: exit 0 when it was completed, 1 when not, 4 when none came until it was stopped",
    )
    .option("--exit-when-empty", "end when there is no work, instead of waiting for more")
    .option("--resume", "first continue the work that the agent holds; only if it works nowhere else")
    .option("--no-run", "report no runs")
    .option("--shell", "run the command with sh -c; it must not build commands from the text of a message")
    .addHelpText("after", HELP)
    .act(work);
}

const HELP = `
The command gets the message as JSON on stdin, and the variables SIGNALBOX_MESSAGE_ID, SIGNALBOX_THREAD_ID, SIGNALBOX_FROM,
SIGNALBOX_ATTEMPT, SIGNALBOX_LEASE_TOKEN, SIGNALBOX_AGENT and SIGNALBOX_URL, so that it can call signalbox itself when
SIGNALBOX_TOKEN is set. Exit 0 completes the item with stdout as the result, and 75 releases it for a while. Any other exit fails it
with the end of stderr, and it is tried again after 1 s, 2 s, 4 s, ... at most 5 min. When the lease is lost, or at Ctrl-C, the
command gets SIGTERM, and SIGKILL 10 s later.

Each item is a run that others watch and stop (signalbox runs): its stdout is the answer, or the events of Claude Code's
stream-json and Codex's --json. SIGNALBOX_RUN_TOKEN puts runs that the command asks for below it. --no-run reports none.

Runs that others ask the agent for are worked on too, as items: the JSON is the run's message with the turn's text as its body, and
there is no lease token. With --kind, --topic, --once, --exit-when-empty or --no-run they are left alone.

Examples:
  $ signalbox work --as builder -- ./build.sh --quick
  $ signalbox work --as builder --shell 'jq -r .body | ./review'`;

async function work(context: Context, words: string[], options: WorkOptions): Promise<void> {
  const { client, settings, out } = context;
  const stop = new AbortController();
  untilStopped().addEventListener("abort", () => stop.abort(), { once: true });
  let missing: CommandMissing | undefined;
  const runs = options.run ? createWorkRuns(reportingOf(context), await agentOf(context)) : undefined;
  const [file = "", ...args] = options.shell ? ["/bin/sh", "-c", words.join(" ")] : words;
  const command = {
    ...{ file, args, environment: childEnvironment(settings.url) },
    onStderr: (text: string) => void process.stderr.write(safeText(text)),
    onMissing(error: CommandMissing) {
      missing = error;
      stop.abort();
    },
  };
  const one = oneOf(options.concurrency ?? 1);
  const works = commandHandler({ ...command, runs });
  const handler: WorkHandler = (message, held) => one(() => Promise.resolve(works(message, held)));
  const { kind: kinds, topic: topics, lease: leaseSeconds, shell: _, run: __, ...rest } = options;
  let last: WorkEvent["type"] | undefined;
  const onEvent = (event: WorkEvent) => {
    if (event.type !== "waiting") last = event.type;
    if (event.type !== "waiting" && event.type !== "claimed") runs?.end(event);
    print(event, out);
  };
  const hint = await unnamed(context).catch(() => "");
  if (!rest.exitWhenEmpty) out.note(`Waiting for work${hint}`);
  const serving = servesRuns(options) ? serveRuns(context, command, one, stop.signal) : undefined;
  let isStopped = false;
  try {
    await client.work({ handler, kinds, topics, leaseSeconds, ...rest, signal: stop.signal, onEvent });
  } finally {
    isStopped = stop.signal.aborted;
    stop.abort();
  }
  await serving;
  await runs?.settled();
  if (missing) throw missing;
  if (!rest.once || last === "completed") return;
  if (last === undefined) throw new Stop(EXIT.nothing, isStopped ? "No work came" : `There is no work to claim${hint}`);
  throw new Stop(EXIT.problem, `The item was not completed: ${last}`);
}

const servesRuns = ({ run, once, exitWhenEmpty, kind, topic }: WorkOptions): boolean =>
  run && !once && !exitWhenEmpty && kind === undefined && topic === undefined;

/** Takes the runs that others ask the agent for, until the signal fires. Work goes on when that fails. */
async function serveRuns(
  context: Context,
  command: Omit<TurnCommand, "client">,
  one: OneOf,
  signal: AbortSignal,
): Promise<void> {
  const { client, onTrouble } = reportingOf(context);
  const takes = turnHandler({ ...command, client });
  const handler: RunHandler = (handle, how) => one(() => Promise.resolve(takes(handle, how)));
  const onEvent = (event: ServeEvent) => {
    if (event.type === "lost" && !signal.aborted) onTrouble(`${event.run.id} was lost: ${event.cause}`);
  };
  await client.runs.serve({ handler, agentId: await agentOf(context), signal, onEvent }).catch((error) => {
    if (!signal.aborted) onTrouble(`Runs that others ask for are not taken: ${error}`);
  });
}

type OneOf = ReturnType<typeof oneOf>;

/** Lets this many of items and turns run at a time; the others wait. */
function oneOf(count: number) {
  const slots = createSlots<symbol>(count);
  return async <T>(step: () => Promise<T>): Promise<T> => {
    while (slots.free <= 0) await slots.whenFree();
    const doing = step();
    slots.take(
      Symbol(),
      doing.then(
        () => undefined,
        () => undefined,
      ),
    );
    return doing;
  };
}

function print(event: WorkEvent, out: Output): void {
  const cause = "cause" in event ? safeLine(String(event.cause)) : undefined;
  const id = "message" in event ? event.message.id : undefined;
  if (out.json) {
    // The write fails when stdout is closed, which stops the program anyway.
    out.item({ ...event, message: undefined, messageId: id, cause }, () => "").catch(() => undefined);
    return;
  }
  if (event.type === "waiting") out.note(`No answer, trying again in ${Math.ceil(event.inMs / 1000)} s: ${cause}`);
  else if (event.type === "claimed") out.note(`#${id} from ${safeLine(event.message.from)}, attempt ${event.attempt}`);
  else if (event.type === "failed") out.note(`#${id} failed${againText(event)}: ${safeLine(event.error)}`);
  else out.note(`#${id} ${event.type}${cause ? `: ${cause}` : ""}`);
}

function againText({ message, retryAfterSeconds }: Extract<WorkEvent, { type: "failed" }>): string {
  if (message.state === "dead") return " for good";
  return retryAfterSeconds ? ` (again in ${retryAfterSeconds} s)` : "";
}
