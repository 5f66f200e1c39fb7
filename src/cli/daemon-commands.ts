import type { CommandResult } from "../protocol/command-results.ts";
import type { CommandInput } from "../protocol/commands.ts";
import type { Delegation } from "../protocol/delegations.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { textOrStdin, wholeNumber } from "./options.ts";
import { safeLine, safeText } from "./screen.ts";
import { timeText } from "./show.ts";

const GROUP = "Sessions:";
const SESSION = "the session's id, ses_…";

/** Commands to the daemons that start agents: each waits for the answer, and prints it. */
export function addDaemonCommands(program: CliCommand): void {
  addSpawn(program);
  const onSession = (name: string, description: string, make: (sessionId: string) => CommandInput) =>
    withTimeout(program.sub(name, description, GROUP).argument("<session>", SESSION))
      .example(`${name} ses_1a2b3c`)
      .act((context: Context, sessionId: string, options: Timed) =>
        commandTo(context, sessionId, make(sessionId), options),
      );
  onSession("peek", "Look at what a session does now", (sessionId) => ({ do: "peek", sessionId }));
  onSession("interrupt", "Stop the turn of a session, and keep the session", (sessionId) => ({
    do: "interrupt",
    sessionId,
  }));
  addKill(program);
  addTell(program);
  addAdopt(program);
  addClear(program);
}

interface Timed {
  timeout?: number;
  nowait?: boolean;
}

const withTimeout = (command: CliCommand): CliCommand =>
  command
    .option("--timeout <seconds>", "time until the daemon has answered (default: 300)", wholeNumber)
    .option("--nowait", "print the delegation, and wait for no answer");

interface SpawnOptions extends Timed {
  agent?: string;
  profile?: string;
  cwd?: string;
  model?: string;
  key?: string;
  background?: boolean;
}

function addSpawn(program: CliCommand): void {
  withTimeout(
    program
      .sub("spawn", "Start an agent on the machine of an orchestrator", GROUP)
      .argument("<where>", "<orchestrator>/<provider>, as box/claude")
      .argument("[prompt]", "its first task; - reads stdin")
      .option("--agent <id>", "the agent's id, below the orchestrator's prefix (default: the provider's agent)")
      .option("--profile <name>", "the profile that it is started by")
      .option("--cwd <folder>", "below the orchestrator's folder")
      .option("--model <model>", "the model")
      .option("--key <text>", "key of the session")
      .option("--background", "beside the main session of its place"),
  )
    .example('spawn box/claude "Fix the failing test" --cwd app', "spawn box/codex --profile reviewer --background")
    .act(async (context: Context, where: string, given: string | undefined, options: SpawnOptions) => {
      const [orchestratorId, provider, more] = where.split("/");
      if (!orchestratorId || !provider || more !== undefined)
        throw new Stop(EXIT.usage, `Say where as <orchestrator>/<provider>: ${where}`);
      const prompt = given === undefined ? undefined : await textOrStdin(given);
      const { agent: agentId, profile, cwd, model, key: sessionKey, background } = options;
      const command = { do: "spawn" as const, provider, agentId, profile, prompt, cwd, model, sessionKey, background };
      await give(context, orchestratorId, command, options);
    });
}

function addKill(program: CliCommand): void {
  withTimeout(
    program
      .sub("kill", "End the process of a session", GROUP)
      .argument("<session>", SESSION)
      .option("--reason <text>", "why, for people"),
  )
    .example('kill ses_1a2b3c --reason "It loops"')
    .act((context: Context, sessionId: string, { reason, ...options }: Timed & { reason?: string }) =>
      commandTo(context, sessionId, { do: "kill", sessionId, reason }, options),
    );
}

function addTell(program: CliCommand): void {
  withTimeout(
    program
      .sub("tell", "Give a session a text", GROUP)
      .argument("<session>", SESSION)
      .argument("[text]", "the text; - or nothing reads stdin"),
  )
    .example('tell ses_1a2b3c "Use the staging key"')
    .act(async (context: Context, sessionId: string, given: string | undefined, options: Timed) =>
      commandTo(context, sessionId, { do: "send", sessionId, text: await textOrStdin(given) }, options),
    );
}

function addAdopt(program: CliCommand): void {
  withTimeout(
    program
      .sub("adopt", "Take over a session that an agent CLI began by itself", GROUP)
      .argument("<where>", "<orchestrator>/<provider>, as box/claude")
      .argument("<native id>", "the id that the CLI gave it")
      .option("--cwd <folder>", "the folder that it works in")
      .option("--agent <id>", "the agent that it becomes one of"),
  )
    .example("adopt box/claude 0b1c2d3e")
    .act(async (context: Context, where: string, nativeId: string, options: SpawnOptions) => {
      const [orchestratorId = "", provider = ""] = where.split("/");
      const { cwd, agent: agentId } = options;
      await give(context, orchestratorId, { do: "adopt", provider, nativeId, cwd, agentId }, options);
    });
}

function addClear(program: CliCommand): void {
  withTimeout(
    program
      .sub("clear", "Begin a new session of an agent in place of its main one", GROUP)
      .argument("<where>", "<orchestrator>/<agent>, as box/box-claude"),
  )
    .example("clear box/box-claude")
    .act(async (context: Context, where: string, options: Timed) => {
      const [orchestratorId = "", agentId = ""] = where.split("/");
      await give(context, orchestratorId, { do: "clear", agentId, place: "user" }, options);
    });
}

async function commandTo(context: Context, sessionId: string, command: CommandInput, options: Timed): Promise<void> {
  const { orchestratorId } = await context.client.sessions.get(sessionId);
  await give(context, orchestratorId, command, options);
}

async function give(
  { client, out }: Context,
  id: string,
  command: CommandInput,
  { timeout, nowait }: Timed,
): Promise<void> {
  const made = await client.orchestrators.command(id, command, { timeoutSeconds: timeout });
  if (nowait) return out.show(made, () => madeText(made));
  if (made.approvalId !== null || made.queued) out.note(madeText(made));
  const ended = await client.delegations.wait(made.id);
  await out.show(ended, () => answerText(ended));
  if (ended.status !== "answered") throw new Stop(EXIT.problem, `${ended.id} ${ended.status}`);
}

function madeText({ id, approvalId, queued, to, deadlineAt }: Delegation): string {
  if (approvalId !== null) return `${id} waits until a person allows it: signalbox approvals show ${approvalId}`;
  const away = queued ? `; ${safeLine(to)} is offline` : "";
  return `${id}: an answer is due until ${timeText(deadlineAt)}${away}`;
}

/** The daemon's words, then what it names. */
function answerText({ answer, status }: Delegation): string {
  if (answer === null) return status;
  const result = (answer.payload?.commandResult ?? {}) as CommandResult;
  const { text = result.text, error } = answer;
  const named = [result.agentId, result.sessionId, result.runId].filter((name) => name !== undefined);
  return [
    ...(text || error ? [safeText(text || error || "")] : []),
    ...(named.length ? [named.map(safeLine).join(" ")] : []),
    ...(result.ended === false ? ["It was not seen to end."] : []),
    ...(result.left ?? []).map(({ pid, command }) => `Left: ${pid} ${safeLine(command)}`),
  ].join("\n");
}
