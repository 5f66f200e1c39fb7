import { parseArgs } from "node:util";
import { distance } from "fastest-levenshtein";
import { SECRETS, SETTINGS, type SettingName } from "./settings.ts";
import { VERSION } from "./version.ts";

/** The server's command line. Each setting has a flag of its name, but for secrets: other users can see a command line. */
export interface ServerFlags {
  isHelp: boolean;
  isVersion: boolean;
  /** The file that `--config` names. */
  config: string | undefined;
  /** Values by the setting's name. */
  values: Partial<Record<SettingName, string>>;
  /** The flag that each value was given with. */
  from: Partial<Record<SettingName, string>>;
  faults: string[];
}

const OTHERS = ["config", "help", "version"];
const flagOf = (name: string): string => name.replace("SIGNALBOX_", "").toLowerCase().replaceAll("_", "-");
// The operator token may be given: `serve` has always taken it.
const FLAGS = new Map<string, SettingName>([
  ...settingNames()
    .filter((name) => !SECRETS.has(name) || name === "SIGNALBOX_TOKEN")
    .map((name) => [flagOf(name), name] as const),
  ["data", "SIGNALBOX_DATA_DIR"],
]);

function settingNames(): SettingName[] {
  return Object.keys(SETTINGS) as SettingName[];
}

/** Reads the words after the program's name. Faults are collected, for one message about all of them. */
export function readFlags(words: readonly string[]): ServerFlags {
  const flags: ServerFlags = { isHelp: false, isVersion: false, config: undefined, values: {}, from: {}, faults: [] };
  const options = Object.fromEntries([...FLAGS.keys(), "config"].map((name) => [name, { type: "string" as const }]));
  const { tokens } = parseArgs({
    args: [...words],
    options: { ...options, help: { type: "boolean", short: "h" }, version: { type: "boolean", short: "V" } },
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") flags.faults.push(`${token.value} is not a flag: --help lists them`);
    // A flag in the place of a value: the value was forgotten.
    if (token.kind === "option" && token.value?.startsWith("--") && !token.inlineValue)
      flags.faults.push(`${token.rawName} needs a value, and ${token.value} is a flag`);
    else if (token.kind === "option") take(flags, token.name, token.rawName, token.value);
  }
  return flags;
}

function take(flags: ServerFlags, name: string, rawName: string, value: string | undefined): void {
  const setting = FLAGS.get(name);
  if (name === "help") flags.isHelp = true;
  else if (name === "version") flags.isVersion = true;
  else if (!setting && name !== "config")
    flags.faults.push(`${rawName} is not a flag${nearest(name)}: --help lists them`);
  else if (value === undefined || value === "") flags.faults.push(`${rawName} needs a value`);
  else if (setting) {
    flags.values[setting] = value;
    flags.from[setting] = rawName;
  } else flags.config = value;
}

function nearest(name: string): string {
  const [best] = [...FLAGS.keys(), ...OTHERS]
    .map((known) => [distance(name, known), known] as const)
    .sort((a, b) => a[0] - b[0]);
  return best && best[0] <= 2 ? ` (--${best[1]}?)` : "";
}

/** One flag of the server, for help and for shells. */
export interface ServerFlag {
  names: string[];
  about: string;
  takesValue: boolean;
}

export function serverFlags(): ServerFlag[] {
  const settings = [...FLAGS].map(([flag, name]) => {
    const { schema, about } = SETTINGS[name];
    const fallback = schema.safeParse(undefined).data;
    const isSaid = fallback !== undefined && `${fallback}` !== "";
    return { names: [`--${flag}`], about: `${about}${isSaid ? ` (default: ${fallback})` : ""}`, takesValue: true };
  });
  const file = "A file of lines NAME=value, with the names of the environment variables below.";
  return [
    ...settings,
    { names: ["--config"], about: file, takesValue: true },
    { names: ["-h", "--help"], about: "Show this.", takesValue: false },
    { names: ["-V", "--version"], about: "Show the version.", takesValue: false },
  ];
}

/** Help for `scripts/start` and `signalbox serve`. */
export function flagsHelp(): string {
  const rows = serverFlags().map(({ names, about, takesValue }) => {
    const value = takesValue ? (names.includes("--config") ? " <file>" : " <value>") : "";
    return [names.join(", ") + value, about] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length));
  const line = ([flag, about]: readonly [string, string]) => `  ${flag.padEnd(width)}  ${about}`;
  return [
    `Signalbox ${VERSION}: run the relay, until Ctrl-C. Usage: signalbox serve [flags], or scripts/start [flags]`,
    ...["", "Flags:", ...rows.map(line), ""],
    "Each flag is also an environment variable, SIGNALBOX_PORT for --port, which may stand in the file. Flags come first, then the",
    "environment, then the file. Secrets have no flag but --token, as other users can see a command line:",
    `  ${[...SECRETS].join(", ")}`,
    ...["", "Examples:", "  $ signalbox serve --data /var/lib/signalbox --port 4747"],
    "  $ signalbox serve --config /etc/signalbox.env",
    ...["", "Exit codes: 0 stopped by a signal, 1 the relay could not start, 2 a wrong flag or value."],
  ].join("\n");
}
