import { existsSync } from "node:fs";
import { HarnessError } from "../../errors.ts";
import type { Containment } from "../process/contained.ts";
import type { Capabilities, Environment, Provider } from "../provider.ts";

/** Abilities that an operator may declare of a command. The others follow from the contract of its lines. */
export const COMMAND_ABILITIES = ["resume", "fork", "steer", "interrupt", "permissions", "structured"] as const;
export type CommandAbility = (typeof COMMAND_ABILITIES)[number];

export interface CommandOptions {
  name: string;
  /** Command line of the agent. */
  words: readonly string[];
  can?: readonly CommandAbility[];
  /** Environment in which the command is looked for. */
  environment: Environment;
  containment?: Containment;
}

/** Version of the lines. */
const VERSION = "1.0";

/** Any program that reads and writes the lines of docs/write-a-provider.md. */
export function commandProvider(options: CommandOptions): Provider {
  const { name, words, can = [], environment, containment = {} } = options;
  const has = (ability: CommandAbility) => can.includes(ability);
  const capabilities: Capabilities = {
    presetId: true,
    resume: has("resume") || has("fork"),
    fork: has("fork"),
    ephemeralFork: has("fork"),
    steer: has("steer"),
    receipts: true,
    interrupt: has("interrupt"),
    permissions: has("permissions"),
    structured: has("structured"),
    usage: true,
    limits: true,
    continueTurn: false,
  };
  return {
    name,
    kind: "command",
    capabilities,
    async probe() {
      const [file = ""] = words;
      const isThere = file.includes("/")
        ? existsSync(file)
        : Bun.which(file, { PATH: environment.PATH ?? "" }) !== null;
      if (!isThere)
        throw new HarnessError(
          "usage",
          `${file} of the provider ${name} cannot be found. Set the path of its command.`,
        );
      return { version: VERSION, account: null };
    },
    async open(task) {
      const { openCommand } = await import("./session.ts");
      return openCommand(task, { words, capabilities, containment });
    },
  };
}
