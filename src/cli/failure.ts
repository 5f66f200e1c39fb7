import { NoAgent, RelayProblem } from "../client/errors.ts";
import { systemSentence } from "../harness/system-errors.ts";
import { isCommanders, nameOf } from "./exit.ts";
import { safeJson, safeLine } from "./screen.ts";
import { type Flags, resolveSettings } from "./settings.ts";

function sentenceOf(error: Error): string {
  if (error instanceof NoAgent) return `${error.message}. Give --as <agent>, SIGNALBOX_AGENT, or an agent's own token`;
  return systemSentence(error) ?? error.message;
}

/** Prints the reason of a failure to stderr; with --json, as JSON. */
export function printFailure(error: unknown, flags: Flags): void {
  // Commander has printed its own.
  if (isCommanders(error) || !(error instanceof Error)) return;
  const message = sentenceOf(error);
  const problem = error instanceof RelayProblem ? error.body : { code: nameOf(error), detail: message };
  if (flags.json) return void process.stderr.write(`${safeJson(problem)}\n`);
  const errors = (error instanceof RelayProblem && error.body.errors) || [];
  // The detail often repeats the first of the errors.
  const isShown = (part: string) => error.message.includes(part);
  const places = errors.filter(({ pointer, message }) => !(isShown(pointer) && isShown(message)));
  const suggestions = (error instanceof RelayProblem && error.body.suggestions) || [];
  const lines = [
    `signalbox: ${safeLine(message)}`,
    ...places.map(({ pointer, message }) => `  ${safeLine(pointer)}: ${safeLine(message)}`),
    ...(suggestions.length > 0 ? [`  Did you mean ${suggestions.map(safeLine).join(", ")}?`] : []),
    ...(error instanceof RelayProblem && error.status === 401
      ? [`  The token: ${resolveSettings(flags).from.token}`]
      : []),
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}
