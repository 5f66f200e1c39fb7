import { join } from "node:path";
import type { Command } from "commander";
import type { CliCommand } from "./commands.ts";
import type { Flags } from "./settings.ts";

/** Name of the relay's file in the folder of a built program; see scripts/build.ts. */
declare const RELAY_FILE: string | undefined;

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

/** Loads the relay, which is large, when a command needs it. */
const loadRelay = (): Promise<typeof import("../main.ts")> =>
  typeof RELAY_FILE === "undefined" ? import("../main.ts") : import(join(import.meta.dirname, RELAY_FILE));

/** Runs the relay with the words of its own command line. */
export async function serve(words: readonly string[]): Promise<void> {
  await (await loadRelay()).serve(words);
}

/** Flags that the server parses itself. */
export async function serverFlags() {
  return (await loadRelay()).serverFlags();
}
