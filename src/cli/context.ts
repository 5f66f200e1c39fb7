import type { Command } from "commander";
import { type Client, createClient } from "../client/client.ts";
import type { RunReporting } from "../harness/process/run-report.ts";
import { EXIT, Stop } from "./exit.ts";
import { createOutput, type Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { coloursAllowed, type Flags, resolveSettings, type Settings } from "./settings.ts";

/** Everything that a command works with. */
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

/** The agent that a command acts for. @throws Stop when neither a flag nor the token names one */
export async function agentOf({ settings, client }: Context): Promise<string> {
  const agentId = settings.agentId ?? (await client.whoami()).agentId;
  if (agentId) return agentId;
  throw new Stop(EXIT.usage, "Name the agent: --as, --keys, or a token of its own");
}

/**
 * Reporting of runs, whose troubles are remarks: the work goes on without. The runs are none of the run that started this process,
 * which may end before.
 */
export const reportingOf = ({ settings, out }: Context): RunReporting => ({
  client: createClient({ ...settings, run: undefined }),
  onTrouble: (text) => out.note(safeLine(text)),
});
