import type { Command } from "commander";
import { Failure, Release } from "../client/client.ts";
import type { WorkHandler } from "../client/item.ts";
import { headOf } from "../client/text.ts";
import type { WorkEvent } from "../client/work.ts";
import { CommandMissing, runChild } from "../harness/process/child.ts";
import { BODY_BYTES } from "../protocol/limits.ts";
import type { MessageKind } from "../protocol/messages.ts";
import type { Claimed } from "../protocol/work.ts";
import { unnamed } from "./claims.ts";
import { type Context, contextOf, untilStopped } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { collect, collectKinds, positive, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";
import { childEnvironment } from "./settings.ts";

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
}

/** `EX_TEMPFAIL` of sysexits: try again later. */
const TRY_LATER = 75;
const LONGEST_WAIT_SECONDS = 300;
const DELAYS_KEPT = 1000;

export function addWorkCommand(program: Command): void {
  program
    .command("work")
    .description("Claim work as it comes and run a command for each item, until Ctrl-C")
    .helpGroup("Work:")
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
    .option("--once", "end after one item: exit 0 when it was completed, 1 when not, 4 without work")
    .option("--exit-when-empty", "end when there is no work, instead of waiting for more")
    .option("--resume", "first continue the work that the agent holds; only if it works nowhere else")
    .option("--shell", "run the command with sh -c; it must not build commands from the text of a message")
    .addHelpText("after", HELP)
    .action(async (words: string[], options: WorkOptions, command: Command) =>
      work(contextOf(command), words, options),
    );
}

const HELP = `
The command gets the message as JSON on stdin, and the variables SIGNALBOX_MESSAGE_ID, SIGNALBOX_THREAD_ID, SIGNALBOX_FROM,
SIGNALBOX_ATTEMPT, SIGNALBOX_LEASE_TOKEN, SIGNALBOX_AGENT and SIGNALBOX_URL, so that it can call signalbox itself when
SIGNALBOX_TOKEN is set. Exit 0 completes the item with stdout as the result, and 75 releases it for a while. Any other exit fails it
with the end of stderr, and it is tried again after 1 s, 2 s, 4 s, ... at most 5 min. When the lease is lost, or at Ctrl-C, the
command gets SIGTERM, and SIGKILL 10 s later.

Examples:
  $ signalbox work --as builder -- ./build.sh --quick
  $ signalbox work --as builder --shell 'jq -r .body | ./review'`;

async function work(context: Context, words: string[], options: WorkOptions): Promise<void> {
  const { client, settings, out } = context;
  const stop = new AbortController();
  untilStopped().addEventListener("abort", () => stop.abort(), { once: true });
  let missing: CommandMissing | undefined;
  const [file = "", ...args] = options.shell ? ["/bin/sh", "-c", words.join(" ")] : words;
  const handler = handlerOf({ file, args, url: settings.url }, (error) => {
    missing = error;
    stop.abort();
  });
  const {
    kind: kinds,
    topic: topics,
    lease: leaseSeconds,
    concurrency,
    resume,
    retries,
    once,
    exitWhenEmpty,
  } = options;
  let last: WorkEvent["type"] | undefined;
  const onEvent = (event: WorkEvent) => {
    if (event.type !== "waiting") last = event.type;
    print(event, out);
  };
  const hint = await unnamed(context).catch(() => "");
  if (!exitWhenEmpty) out.note(`Waiting for work${hint}`);
  const how = { kinds, topics, leaseSeconds, concurrency, resume, retries, once, exitWhenEmpty };
  await client.work({ handler, ...how, signal: stop.signal, onEvent });
  if (missing) throw missing;
  if (!once || last === "completed") return;
  if (last === undefined)
    throw new Stop(EXIT.nothing, stop.signal.aborted ? "No work came" : `There is no work to claim${hint}`);
  throw new Stop(EXIT.problem, `The item was not completed: ${last}`);
}

/** Command to run for each item. */
interface Job {
  file: string;
  args: string[];
  url: string;
}

/** Runs the command for an item. If it cannot be started, the item is released without a failed attempt, and `onMissing` is called. */
function handlerOf({ file, args, url }: Job, onMissing: (error: CommandMissing) => void): WorkHandler {
  const delays = createDelays();
  const onStderr = (text: string) => void process.stderr.write(safeText(text));
  return async (message, { signal, claim }) => {
    const environment = environmentOf({ message, claim }, url);
    const task = { file, args, input: JSON.stringify(message), environment, signal, maxOutput: BODY_BYTES, onStderr };
    const end = await runChild(task).catch((error) => {
      if (error instanceof CommandMissing) onMissing(error);
      throw new Release(String(error));
    });
    const complaint = end.stderr.trim();
    if (end.code === 0) return resultOf(end.stdout, end.stdoutBytes);
    if (end.code === TRY_LATER) throw new Release(complaint || "not now", delays.next(message.id));
    throw new Failure(
      [end.signal ? `ended by ${end.signal}` : `exit ${end.code}`, complaint].filter(Boolean).join(": "),
    );
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

const environmentOf = ({ message, claim }: Claimed, url: string): Record<string, string | undefined> => ({
  ...childEnvironment(url),
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

function print(event: WorkEvent, out: Output): void {
  const cause = "cause" in event ? safeLine(String(event.cause)) : undefined;
  const id = "message" in event ? event.message.id : undefined;
  if (out.json) {
    const { type } = event;
    const { attempt, error, reason, inMs, retryAfterSeconds } = {
      attempt: undefined,
      error: undefined,
      reason: undefined,
      inMs: undefined,
      retryAfterSeconds: undefined,
      ...event,
    };
    // The write fails when stdout is closed, which stops the program anyway.
    out
      .item({ type, messageId: id, attempt, error, reason, retryAfterSeconds, inMs, cause }, () => "")
      .catch(() => undefined);
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
