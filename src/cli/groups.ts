import type { Command } from "commander";
import type { CliCommand } from "./commands.ts";

type Add = (program: CliCommand) => void;

/** Commands that one file adds, by their names at the top. */
export interface Group {
  names: readonly string[];
  load(): Promise<Add>;
}

export const of = (names: string, load: () => Promise<Add>): Group => ({ names: names.split(" "), load });

/** The group of the command that a command line names; undefined for help, and for a word that is none of theirs. */
export function groupOf(groups: readonly Group[], program: Command, words: readonly string[]): Group | undefined {
  const word = commandOf(program, words);
  return groups.find(({ names }) => word !== undefined && names.includes(word));
}

/** The first word behind the program's own options; undefined when another option comes before it. */
function commandOf(program: Command, words: readonly string[]): string | undefined {
  const [word, ...rest] = words;
  if (word === undefined || !word.startsWith("-")) return word;
  const [name, value] = word.split("=", 2);
  const option = program.options.find(({ long }) => long === name);
  if (!option) return undefined;
  return commandOf(program, option.required && value === undefined ? rest.slice(1) : rest);
}

/** Adds the commands that a command line may be about: those of its group, which halves the time of a start, or all of them. */
export async function addCommands(
  groups: readonly Group[],
  program: CliCommand,
  words: readonly string[],
): Promise<void> {
  const own = groupOf(groups, program, words);
  for (const add of await Promise.all((own ? [own] : groups).map(({ load }) => load()))) add(program);
}
