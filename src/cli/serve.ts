import type { Command } from "commander";
import { type Flags, setServerEnvironment } from "./settings.ts";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("Run the relay, until Ctrl-C")
    .helpGroup("The relay:")
    .option("--host <address>", "where to listen (default: SIGNALBOX_HOST, 127.0.0.1)")
    .option("--port <port>", "where to listen; 0 takes a free one (default: SIGNALBOX_PORT, 4747)")
    .addHelpText("after", "\nExample:\n  $ signalbox serve --data /var/lib/signalbox --port 4747")
    .action(async (_: object, command: Command) => {
      setServerEnvironment(command.optsWithGlobals<Flags & { host?: string; port?: string }>());
      await import("../main.ts");
    });
}
