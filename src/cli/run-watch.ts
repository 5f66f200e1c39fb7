import { type Client, RelayUnreachable } from "../client/client.ts";
import type { Run } from "../protocol/runs.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { storedFiles } from "./files.ts";
import { collect, positive, textOrStdin, wholeNumber } from "./options.ts";
import { statusOf, usageText } from "./run-text.ts";
import { createRunView } from "./run-view.ts";
import { safeLine, safeText } from "./screen.ts";
import { ENCRYPTED } from "./show.ts";
import { untilStopped } from "./stopped.ts";

interface StartOptions {
  label?: string;
  message?: number;
  sessionKey?: string;
  requester?: string;
  parent?: string;
  timeout?: number;
  model?: string;
  cwd?: string;
  project?: string;
  tag?: string[];
  file?: string[];
  expectResult?: boolean;
  watch?: boolean;
}

export function addRunStart(group: CliCommand): void {
  group
    .sub("start", "Ask an agent for a run")
    .argument("<agent>", "the agent that runs it")
    .argument("[task]", "the task; - or nothing reads stdin")
    .option("--label <text>", "a short name")
    .option("--message <id>", "the message that it works on", wholeNumber)
    .option("--session-key <key>", "the dialogue that it goes on with (default: one of its own)")
    .option("--requester <who>", "an agent or a run that gets the result (default: the run above it; none)")
    .option("--parent <run>", "the run that it is part of")
    .option("--timeout <seconds>", "time until it has to have ended", positive)
    .option("--model <model>", "the model")
    .option("--cwd <folder>", "the folder, on the agent's machine")
    .option("--project <project>", "the project that it is about")
    .option("--tag <tag>", "a tag; repeatable", collect)
    .option("--file <path>", "a file for it, on this machine, or the id of an uploaded one; repeatable", collect)
    .option("--expect-result", "refuse an empty result")
    .option("--watch", "watch it to its end")
    .example('runs start builder "Bring the build to green." --watch')
    .act(start);
}

async function start(context: Context, agentId: string, given: string | undefined, options: StartOptions) {
  const { client, out } = context;
  const { message: messageId, parent: parentId, timeout: timeoutSeconds, tag: tags } = options;
  const files = options.file && (await storedFiles(context, options.file));
  const { label, sessionKey, model, cwd, project, expectResult: expectsResult } = options;
  const run = await client.runs.create({
    ...{ agentId, task: await textOrStdin(given), label, messageId, sessionKey, parentId, timeoutSeconds },
    ...{ model, cwd, project, tags, files, expectsResult, requester: requesterOf(options.requester) },
  });
  const text = () => `${safeLine(run.id)}: ${statusOf(run)}. Watch it: signalbox runs watch ${safeLine(run.id)}`;
  if (!options.watch) return out.show(run, text);
  if (!out.json) out.note(`${safeLine(run.id)}: ${statusOf(run)}`);
  await watchToEnd(context, run.id);
}

function requesterOf(who: string | undefined) {
  if (who === undefined) return undefined;
  return who.startsWith("run_") ? { runId: who } : { agentId: who };
}

export function addRunWatch(group: CliCommand): void {
  group
    .sub("watch", "Watch a run, from its beginning to its end")
    .argument("<id>", "the run")
    .option("--after <place>", "only what comes after this place, as --json names it", wholeNumber)
    .option("--turn <id>", "this turn alone")
    .addHelpText("after", WATCH_HELP)
    .act((context, id: string, options: WatchOptions) => watchToEnd(context, id, options));
}

const WATCH_HELP = `
Shows the answer as it comes, thinking dimmed, each call of a tool as a line. It goes on where it was when the relay restarts. Exit
code: 0 when the run ends ok, 1 when it fails, times out or is aborted. Ctrl-C ends the view, not the run.

Example:
  $ signalbox runs watch run_0mf3k2j1a7x2c9q4b0d8`;

type WatchOptions = Pick<NonNullable<Parameters<Client["runs"]["follow"]>[1]>, "after" | "turn">;

async function watchToEnd({ client, out }: Context, id: string, options: WatchOptions = {}): Promise<void> {
  const signal = untilStopped();
  const view = createRunView(out);
  const onReconnect = (inMs: number, cause: unknown) =>
    out.note(`${awayText(cause)} Trying again in ${Math.ceil(inMs / 1000)} s.`);
  for await (const part of client.runs.follow(id, { ...options, signal, onReconnect })) {
    if (out.json) await out.item(part, () => "");
    else await out.write(view.part(part));
  }
  if (!out.json) await out.write(view.end());
  if (signal.aborted) return out.note(`${safeLine(id)} goes on`);
  requireOk(await client.runs.get(id), out);
}

/** Says how a run ended. @throws Stop when it did not end well */
export function requireOk(run: Run, out: Context["out"]): void {
  out.note(endText(run));
  const why = run.error ? `: ${run.error}` : "";
  if (run.outcome !== "ok") throw new Stop(EXIT.problem, `${run.id} ${statusOf(run)}${why}`);
}

/** Result of a run alone. */
export const resultText = ({ result, encoding }: Run): string =>
  encoding === "opaque" ? ENCRYPTED : safeText(result?.text ?? "");

/** Sentence for a lost connection; the reason of a relay that does not answer is the runtime's own text. */
export const awayText = (cause: unknown): string =>
  cause instanceof RelayUnreachable
    ? `The relay at ${safeLine(cause.url)} does not answer.`
    : `The relay refuses for now: ${safeLine(cause instanceof Error ? cause.message : String(cause))}`;

function endText(run: Run): string {
  const seconds = run.endedAt === null ? 0 : (Date.parse(run.endedAt) - Date.parse(run.createdAt)) / 1000;
  const usage = usageText(run.usage);
  return `${safeLine(run.id)} ${statusOf(run)} after ${seconds.toFixed(1)} s${usage ? `, ${usage}` : ""}`;
}
