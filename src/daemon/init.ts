import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { writePrivately } from "../harness/private-file.ts";
import type { DaemonConfigInput } from "./config.ts";
import { absolute, CONFIG_PATH } from "./config-file.ts";
import { DaemonError } from "./errors.ts";

export interface Init {
  configPath?: string | undefined;
  id?: string | undefined;
  relay: string;
  workspace?: string | undefined;
  tokenFile?: string | undefined;
  environment: Readonly<Record<string, string | undefined>>;
}

/** Agent CLIs that are looked for, with the kind of each. */
const KNOWN = { claude: "claude", codex: "codex", gemini: "acp", qwen: "acp", opencode: "acp", goose: "acp" } as const;

/**
 * Writes a first configuration with the agent CLIs of this machine.
 * @throws DaemonError when a configuration is there, or no CLI
 */
export function initConfig({ configPath = CONFIG_PATH, environment, ...given }: Init) {
  const path = absolute(configPath, "--config");
  if (existsSync(path)) throw new DaemonError(`${path} is there already. Edit it, or name another file by --config.`);
  const { PATH = "" } = environment;
  const providers = Object.entries(KNOWN).flatMap(([name, kind]) => {
    const command = Bun.which(name, { PATH });
    return command === null ? [] : [{ name, kind, command }];
  });
  if (providers.length === 0)
    throw new DaemonError(
      `No agent CLI was found (${Object.keys(KNOWN).join(", ")}). Install one, or write ${path} by hand.`,
    );
  const config: DaemonConfigInput = {
    id: given.id ?? idOf(hostname()),
    relay: given.relay,
    tokenFile: given.tokenFile ?? "~/.config/signalbox/orchestrator.token",
    workspace: given.workspace ?? "~/agents",
    providers,
  };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return { path, config };
}

/** Makes a token for an orchestrator with this id and prefix. @throws RelayProblem, TypeError when the relay is away */
type MakeToken = (draft: { agentId: string; prefix: string }) => Promise<string>;

/**
 * Puts the orchestrator's token into its file, for its owner alone. One that is there is kept.
 * @returns the file, and whether the token is new @throws what `make` throws
 */
export async function initToken(config: DaemonConfigInput, make: MakeToken) {
  const file = absolute(config.tokenFile ?? "", "--token-file");
  if (existsSync(file)) return { file, isNew: false };
  const token = await make({ agentId: `orchestrator-${config.id}`, prefix: `${config.id}-` });
  writePrivately(file, `${token}\n`);
  return { file, isNew: true };
}

/** Name of this machine as an orchestrator's id. */
const idOf = (host: string): string =>
  host
    .toLowerCase()
    .split(".", 1)[0]
    ?.replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "") || "box";
