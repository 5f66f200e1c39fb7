import { Caps } from "../protocol/caps.ts";
import type { CommandInput } from "../protocol/commands.ts";
import { OnInterrupt } from "../protocol/spawns.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { answerText, carriedOut, give, placeIn, resultOf, type Timed, withTimeout } from "./daemon-answers.ts";
import { EXIT, Stop } from "./exit.ts";
import { storedFiles } from "./files.ts";
import { collect, textOrStdin } from "./options.ts";
import { requireOk, resultText } from "./run-watch.ts";
import { safeLine } from "./screen.ts";

interface SpawnOptions extends Timed {
  agent?: string;
  profile?: string;
  cwd?: string;
  model?: string;
  key?: string;
  background?: boolean;
  file?: string[];
  cap?: string[];
  onInterrupt?: OnInterrupt;
  worktree?: boolean;
  wait?: boolean;
}

const CAPS = Object.keys(Caps.shape);

export function addSpawn(program: CliCommand, group: string): void {
  withTimeout(
    program
      .sub("spawn", "Start an agent on the machine of an orchestrator", group)
      .argument("<where>", "<orchestrator>/<provider>, as box/claude")
      .argument("[prompt]", "its first task; - reads stdin")
      .option("--agent <id>", "the agent's id, below the orchestrator's prefix (default: the provider's agent)")
      .option("--profile <name>", "the profile that it is started by")
      .option("--cwd <folder>", "below the orchestrator's folder")
      .option("--worktree", "in a git worktree of its own, on a new branch")
      .option("--model <model>", "the model")
      .option("--key <text>", "key of the session")
      .option("--background", "beside the main session of its place")
      .option("--file <path>", "a file for it, on this machine, or the id of an uploaded one; repeatable", collect)
      .option("--cap <name=number>", `a limit of its work: ${CAPS.join(", ")}; repeatable`, collect)
      .choice(
        "--on-interrupt <choice>",
        "a turn that a stop or a crash cuts off goes on, or is given back",
        OnInterrupt.options,
      )
      .option("--wait", "wait until its work has ended, and print the result"),
  )
    .example(
      'spawn box/claude "Fix the failing test" --cwd app --wait',
      'spawn box/codex "As in the drawing" --file plan.png --background',
    )
    .act(spawn);
}

async function spawn(context: Context, where: string, given: string | undefined, options: SpawnOptions): Promise<void> {
  const [orchestratorId, provider] = placeIn(where, "provider");
  if (options.wait && (options.nowait || given === undefined))
    throw new Stop(EXIT.usage, options.nowait ? "Name one of --wait and --nowait." : "--wait needs a prompt.");
  const prompt = given === undefined ? undefined : await textOrStdin(given);
  const { agent: agentId, profile, cwd, model, key: sessionKey, background, worktree, onInterrupt } = options;
  const caps = options.cap && capsOf(options.cap);
  const files = options.file && (await storedFiles(context, options.file));
  const command: CommandInput = {
    ...{ do: "spawn", provider, agentId, profile, prompt, cwd, worktree, model, sessionKey, background },
    ...{ caps, files, onInterrupt },
  };
  if (options.wait) await resultOfSpawn(context, orchestratorId, command, options);
  else await give(context, orchestratorId, command, options);
}

async function resultOfSpawn(context: Context, id: string, command: CommandInput, { timeout }: Timed): Promise<void> {
  const { client, out } = context;
  const begun = await carriedOut(context, id, command, timeout);
  out.note(answerText(begun));
  const { runId } = resultOf(begun);
  if (runId === undefined) throw new Stop(EXIT.problem, "The daemon named no run. signalbox runs list shows it.");
  // The stream ends with the run, across restarts of the relay.
  for await (const _ of client.runs.follow(runId));
  const run = await client.runs.get(runId);
  await out.show(run, () => resultText(run));
  requireOk(run, out);
}

/** @throws Stop for a name that is no cap, or a value that it cannot have */
function capsOf(words: string[]): Caps {
  const pairs = words.map((word) => {
    const [name = "", value = ""] = word.split("=", 2);
    return [name, value.trim() === "" ? Number.NaN : Number(value)] as const;
  });
  const parsed = Caps.safeParse(Object.fromEntries(pairs));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join(".") || "--cap";
  throw new Stop(EXIT.usage, `${safeLine(`${place}: ${issue?.message}`)}. The caps are ${CAPS.join(", ")}.`);
}
