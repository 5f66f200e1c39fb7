import type { CommandInput } from "../protocol/commands.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { give, placeIn, type Timed, withTimeout } from "./daemon-answers.ts";
import { storedFiles } from "./files.ts";
import { collect, textOrStdin } from "./options.ts";
import { ABOUT_SESSION, SESSION, sessionOf } from "./session-word.ts";
import { addSpawn } from "./spawn.ts";

const GROUP = "Sessions:";

/** Commands to the daemons that start agents: each waits for the answer, and prints it. */
export function addDaemonCommands(program: CliCommand): void {
  addSpawn(program, GROUP);
  const onSession = (name: string, description: string, verb: "peek" | "interrupt") =>
    withTimeout(program.sub(name, description, GROUP).argument(SESSION, ABOUT_SESSION))
      .example(`${name} ses_1a2b3c`)
      .act((context: Context, word: string, options: Timed) =>
        commandTo(context, word, (sessionId) => ({ do: verb, sessionId }), options),
      );
  onSession("peek", "Look at what a session does now", "peek");
  onSession("interrupt", "Stop the turn of a session, and keep the session", "interrupt");
  addKill(program);
  addTell(program);
  addAdopt(program);
  addClear(program);
}

function addKill(program: CliCommand): void {
  withTimeout(
    program
      .sub("kill", "End the process of a session", GROUP)
      .argument(SESSION, ABOUT_SESSION)
      .option("--reason <text>", "why, for people"),
  )
    .example('kill ses_1a2b3c --reason "It loops"')
    .act((context: Context, word: string, { reason, ...options }: Timed & { reason?: string }) =>
      commandTo(context, word, (sessionId) => ({ do: "kill", sessionId, reason }), options),
    );
}

interface TellOptions extends Timed {
  file?: string[];
}

function addTell(program: CliCommand): void {
  withTimeout(
    program
      .sub("tell", "Give a session a text", GROUP)
      .argument(SESSION, ABOUT_SESSION)
      .argument("[text]", "the text; - or nothing reads stdin")
      .option("--file <path>", "a file for it, on this machine, or the id of an uploaded one; repeatable", collect),
  )
    .example('tell ses_1a2b3c "Use the staging key"')
    .act(async (context: Context, word: string, given: string | undefined, options: TellOptions) => {
      const text = await textOrStdin(given);
      const files = options.file && (await storedFiles(context, options.file));
      await commandTo(context, word, (sessionId) => ({ do: "send", sessionId, text, files }), options);
    });
}

interface AdoptOptions extends Timed {
  cwd?: string;
  agent?: string;
}

function addAdopt(program: CliCommand): void {
  withTimeout(
    program
      .sub("adopt", "Take over a session that an agent CLI began by itself", GROUP)
      .argument("<where>", "<orchestrator>/<provider>, as box/claude")
      .argument("<native id>", "the id that the CLI gave it, as signalbox sessions list --foreign shows it")
      .option("--cwd <folder>", "the folder that it works in")
      .option("--agent <id>", "the agent that it becomes one of"),
  )
    .example("adopt box/claude 0b1c2d3e")
    .act(async (context: Context, where: string, nativeId: string, options: AdoptOptions) => {
      const [orchestratorId, provider] = placeIn(where, "provider");
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
      const [orchestratorId, agentId] = placeIn(where, "agent");
      await give(context, orchestratorId, { do: "clear", agentId, place: "user" }, options);
    });
}

async function commandTo(
  context: Context,
  word: string,
  make: (sessionId: string) => CommandInput,
  options: Timed,
): Promise<void> {
  const { id, orchestratorId } = await sessionOf(context.client, word);
  await give(context, orchestratorId, make(id), options);
}
