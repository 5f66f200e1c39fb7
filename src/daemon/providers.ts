import { basename } from "node:path";
import { ACP_AGENTS } from "../harness/providers/acp/agents.ts";
import type { Containment } from "../harness/providers/process/contained.ts";
import { findUserSystemd } from "../harness/providers/process/scope.ts";
import type { Environment, Provider } from "../harness/providers/provider.ts";
import type { DaemonConfig, ProviderConfig } from "./config.ts";
import { DaemonError } from "./errors.ts";
import type { Runnable } from "./services.ts";

/** Given to every adapter. */
interface Common {
  environment: Environment;
  /** Command line of the relay's MCP server on stdio. */
  bridge: readonly string[];
  containment: Containment;
}

/** Makes the adapter of a kind, which loads with its first use. */
type Maker = (config: ProviderConfig, common: Common) => Promise<Provider>;

const wordsOf = ({ command, args }: ProviderConfig, usual: string): string[] => [command ?? usual, ...args];

/** A known agent is started as its maker says, by another path as well. `args` of the configuration replace its own. */
function acpWords({ name, command, args }: ProviderConfig): string[] {
  const [usual = name, ...own] = ACP_AGENTS.find((agent) => agent.name === name)?.words ?? [];
  const isUsual = command === undefined || basename(command) === usual;
  return [command ?? usual, ...(isUsual && args.length === 0 ? own : args)];
}

const MAKERS: Record<ProviderConfig["kind"], Maker> = {
  async claude(config, common) {
    const { claudeProvider } = await import("../harness/providers/claude/provider.ts");
    return claudeProvider({ name: config.name, words: wordsOf(config, "claude"), ...common });
  },
  async codex(config, common) {
    const { codexProvider } = await import("../harness/providers/codex/provider.ts");
    return codexProvider({ name: config.name, words: wordsOf(config, "codex"), ...common });
  },
  async acp(config, common) {
    const { acpProvider } = await import("../harness/providers/acp/provider.ts");
    return acpProvider({ name: config.name, words: acpWords(config), ...common });
  },
  async command(config, common) {
    const { commandProvider } = await import("../harness/providers/command/provider.ts");
    if (!config.command) throw new DaemonError(`Provider ${config.name}: name its program in "command".`);
    return commandProvider({ name: config.name, words: wordsOf(config, config.name), can: config.can, ...common });
  },
};

/**
 * Adapters of the providers of a configuration. Where systemd runs for this user, their processes are started in scopes of it.
 * @throws DaemonError for one that names no program
 */
export function makeProviders(
  { providers, memoryMaxMb }: DaemonConfig,
  { environment, bridge }: Pick<Common, "environment" | "bridge">,
  systemd = findUserSystemd(environment),
): Promise<Runnable[]> {
  const memoryMaxBytes = memoryMaxMb === undefined ? null : memoryMaxMb * 1024 * 1024;
  const common = { environment, bridge, containment: { scope: systemd && { systemd, memoryMaxBytes } } };
  return Promise.all(
    providers.map(async (config) => ({ config, provider: await MAKERS[config.kind](config, common) })),
  );
}
