import { mendLauncher } from "../harness/launcher.ts";
import { runHere } from "./daemon-run.ts";
import { daemonWords } from "./daemon-words.ts";
import { exitCodeOf } from "./exit.ts";
import { printFailure } from "./failure.ts";
import { ownCommand } from "./own.ts";
import { bypassProxies } from "./settings.ts";

// File of the daemon in a built program; entry.ts loads it.
async function main(): Promise<void> {
  bypassProxies();
  mendLauncher(ownCommand());
  try {
    await runHere(daemonWords(process.argv.slice(2))?.config);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    printFailure(error, {});
  }
}

void main();
