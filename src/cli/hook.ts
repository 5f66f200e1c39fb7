import { HOOK_HARNESSES, titleOf } from "../harness/harnesses.ts";
import { answerHook, HOOK_BUDGET, MAX_BLOCKS } from "../harness/hooks/hook.ts";
import { readKeys } from "../harness/keys.ts";
import type { CliCommand } from "./commands.ts";
import { EXIT, Stop } from "./exit.ts";
import { createOutput } from "./output.ts";
import { type Flags, isFedByUs, resolveSettings } from "./settings.ts";

export function addHookCommand(program: CliCommand): void {
  const hook = program
    .sub("hook", "Answer the hooks of an agent's harness with the messages that wait for the agent")
    .helpGroup("Harnesses:");
  for (const harness of HOOK_HARNESSES)
    hook
      .sub(harness, `Answer a hook of ${titleOf(harness)}, whose JSON is on stdin`)
      .argument("[event]", "session-start, prompt or stop; the event on stdin counts first")
      .option("--budget <tokens>", "tokens of the agent's context that the messages may take", Number, HOOK_BUDGET)
      // A harness takes exit 2, that of wrong usage, for "go on and read my stderr".
      .allowUnknownOption()
      .allowExcessArguments()
      .addHelpText("after", helpOf(harness))
      .action((event: string | undefined, { budget }: { budget: number }, command: CliCommand) =>
        quietly(async () => {
          if (isFedByUs()) return;
          const input = process.stdin.isTTY ? "{}" : await Bun.stdin.text();
          const relay = resolveSettings(command.optsWithGlobals<Flags>());
          await answerHook({ harness, event, input, budget, relay, write });
        }),
      );
  hook
    .sub("headers", "Print the HTTP headers of an agent's keys, for a harness that asks for them")
    .example("hook headers --keys ~/.config/signalbox/agents/claude.reviewer.json")
    .action((_: object, command: CliCommand) => {
      const { keys } = command.optsWithGlobals<Flags>();
      if (keys === undefined) throw new Stop(EXIT.usage, "Name the file that signalbox connect wrote, with --keys");
      process.stdout.write(`${JSON.stringify({ Authorization: `Bearer ${readKeys(keys).token}` })}\n`);
    });
}

const helpOf = (harness: string): string => `
signalbox connect writes these hooks. At a start and with a prompt they tell the number of unread messages. At a stop they show
Codex and Gemini CLI the messages, which acknowledges them, and ask the others to read them. Only new messages keep a session from
stopping, at most ${MAX_BLOCKS} times in a row. Hooks always exit with 0. When the relay does not answer within 3 s they print nothing,
and leave the relay alone for a minute.

Example:
  $ echo '{"hook_event_name": "Stop", "session_id": "1"}' | signalbox hook ${harness} --keys ~/.config/signalbox/agents/${harness}.reviewer.json`;

const write = (answer: object): Promise<void> => createOutput({ json: true, colours: false }).show(answer, () => "");

/** A failing hook neither stops an agent nor keeps it going. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (process.stdin.isTTY) process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  }
  process.exitCode = 0;
}
