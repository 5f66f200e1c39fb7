import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "./options.ts";
import { type Flags, setServerEnvironment } from "./settings.ts";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("Run the relay, until Ctrl-C")
    .helpGroup("The relay:")
    .option("--host <address>", "where to listen (default: SIGNALBOX_HOST, 127.0.0.1)")
    .option("--port <port>", "where to listen; 0 takes a free one (default: SIGNALBOX_PORT, 4747)", port)
    .addHelpText("after", "\nExample:\n  $ signalbox serve --data /var/lib/signalbox --port 4747")
    .action(async (_: object, command: Command) => {
      setServerEnvironment(command.optsWithGlobals<Flags & { host?: string; port?: number }>());
      await import("../main.ts");
    });
}

function port(value: string): number {
  const number = wholeNumber(value);
  if (number > 65_535) throw new InvalidArgumentError("It has to be at most 65535.");
  return number;
}
