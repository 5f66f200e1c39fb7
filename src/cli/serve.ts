import type { Command } from "commander";
import type { Flags } from "./settings.ts";

/** The server reads its own flags: each setting has one. */
export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("Run the relay, until Ctrl-C")
    .helpGroup("The relay:")
    .usage("[flags]")
    .helpOption(false)
    .allowUnknownOption()
    .argument("[flags...]", "as signalbox serve --help lists them")
    .action(async (words: string[], _: object, command: Command) => {
      // The program has taken these out already, as every other command has them.
      const { data, token } = command.optsWithGlobals<Flags>();
      const taken = Object.entries({ data, token }).flatMap(([name, value]) => (value ? [`--${name}=${value}`] : []));
      await serve([...taken, ...words]);
    });
}

/** Loads the server only when a command needs it: it is large. */
export async function serve(words: readonly string[]): Promise<void> {
  await (await import("../main.ts")).serve(words);
}

/** Flags that the server reads itself, which the program knows nothing of. */
export async function serverFlags() {
  return (await import("../main.ts")).serverFlags();
}
