import type { Command } from "commander";
import { type Client, createClient } from "../client/client.ts";
import { createOutput, type Output } from "./output.ts";
import { coloursAllowed, type Flags, resolveSettings, type Settings } from "./settings.ts";

/** What a command works with. */
export interface Context {
  settings: Settings;
  client: Client;
  out: Output;
}

export const outputOf = (command: Command): Output =>
  createOutput({ json: command.optsWithGlobals<Flags>().json ?? false, colours: coloursAllowed() });

export function contextOf(command: Command): Context {
  const settings = resolveSettings(command.optsWithGlobals<Flags>());
  return { settings, client: createClient(settings), out: outputOf(command) };
}

/** Fires at the first Ctrl-C or SIGTERM; the second ends the program where it stands. */
export function untilStopped(): AbortSignal {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return stop.signal;
}
