import type { Command, Help, Option } from "commander";
import { serverFlags } from "../serve.ts";

/** A word that a shell offers, and its explanation. */
export interface Word {
  name: string;
  about: string;
}

export interface Flag {
  /** `-f` and `--follow`. */
  names: string[];
  about: string;
  takesValue: boolean;
  /** All values that the command takes; empty: any. */
  values: readonly string[];
}

/** One place of the command line: the program, a group or a command. */
export interface Place {
  /** The words that lead there, after the program's name. */
  path: string;
  commands: Word[];
  flags: Flag[];
  /** Whether the options of every command are taken here too. */
  hasGlobals: boolean;
  /** Values of the first, second, ... argument; empty: any. */
  values: (readonly string[])[];
}

export interface Tree {
  name: string;
  /** Options of every command. */
  globals: Flag[];
  places: Place[];
}

/** Everything that a shell can complete, read from the program itself. */
export async function treeOf(program: Command): Promise<Tree> {
  const help = program.createHelp();
  const places = placesBelow(program, help, []);
  const serve = places.find(({ path }) => path === "serve");
  if (serve) {
    serve.flags = (await serverFlags()).map((flag) => ({ ...flag, values: [] }));
    serve.hasGlobals = false;
  }
  return { name: program.name(), globals: globalsOf(program, help), places };
}

function placesBelow(command: Command, help: Help, words: string[]): Place[] {
  const commands = help.visibleCommands(command);
  // A group without a command lists, with the options of its list.
  const listed = words.length > 0 ? commands.filter((one) => one.name() === "list") : [];
  const options = new Set([command, ...listed].flatMap((one) => help.visibleOptions(one)));
  const flags = [...options].map(flagOf);
  const place: Place = {
    path: words.join(" "),
    commands: commands.flatMap((one) => namesOf(one).map((name) => ({ name, about: one.description() }))),
    flags: flags.filter(({ names }, at) => flags.findIndex((other) => other.names.join() === names.join()) === at),
    hasGlobals: words.length > 0,
    values: command.registeredArguments.map(({ argChoices = [] }) => argChoices),
  };
  const below = commands.flatMap((one) => namesOf(one).flatMap((name) => placesBelow(one, help, [...words, name])));
  return [place, ...below];
}

const namesOf = (command: Command): string[] => [command.name(), ...command.aliases()];

function globalsOf(program: Command, help: Help): Flag[] {
  const [any] = help.visibleCommands(program);
  return any ? help.visibleGlobalOptions(any).map(flagOf) : [];
}

const flagOf = ({ short, long, description, required, optional, argChoices = [] }: Option): Flag => ({
  names: [short, long].filter((name) => name !== undefined),
  about: description,
  takesValue: required || optional,
  values: argChoices,
});

/** Every value that is one of a list, by its place and the option or the number of the argument. */
export function choicesOf({ globals, places }: Tree): { path: string; of: string; values: readonly string[] }[] {
  return places
    .flatMap(({ path, flags, hasGlobals, values }) => [
      ...[...flags, ...(hasGlobals ? globals : [])].flatMap((flag) =>
        flag.names.map((of) => ({ path, of, values: flag.values })),
      ),
      ...values.map((list, nth) => ({ path, of: `${nth}`, values: list })),
    ])
    .filter(({ values }) => values.length > 0);
}

/** Names of options that a value follows. */
export const valued = (flags: Flag[]): string[] =>
  flags.filter((flag) => flag.takesValue).flatMap(({ names }) => names);

/** One line of text in single quotes. */
export const inQuotes = (text: string): string => `'${text.replace(/\s+/g, " ").replaceAll("'", "'\\''")}'`;
