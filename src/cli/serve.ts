import type { Command } from "commander";
import type { CliCommand } from "./commands.ts";
import type { Flags } from "./settings.ts";

/** Adds `serve`, whose flags the server parses itself: each setting has one. */
export function addServeCommand(program: CliCommand): void {
  program
    .sub("serve", "Run the relay, until Ctrl-C", "The relay:")
    .usage("[flags]")
    .helpOption(false)
    .allowUnknownOption()
    .argument("[flags...]", "as signalbox serve --help lists them")
    .action(async (words: string[], _: object, command: Command) => {
      // Commander has taken these, because every other command has them too.
      const { data, token } = command.optsWithGlobals<Flags>();
      const taken = Object.entries({ data, token }).flatMap(([name, value]) => (value ? [`--${name}=${value}`] : []));
      await serve([...taken, ...words]);
    });
}

/** Loads the server, which is large, for this command alone. */
export async function serve(words: readonly string[]): Promise<void> {
  await (await import("../main.ts")).serve(words);
}

/** Flags that the server parses itself. */
export async function serverFlags() {
  return (await import("../main.ts")).serverFlags();
}
