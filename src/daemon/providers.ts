import type { Environment, Provider } from "../harness/providers/provider.ts";
import type { DaemonConfig, ProviderConfig } from "./config.ts";
import { DaemonError } from "./errors.ts";
import type { Runnable } from "./services.ts";

/** Makes the adapter of a kind, which loads with its first use. */
type Maker = (config: ProviderConfig, environment: Environment) => Promise<Provider>;

const wordsOf = ({ command, args }: ProviderConfig, usual: string): string[] => [command ?? usual, ...args];

const MAKERS: Record<ProviderConfig["kind"], Maker> = {
  async claude(config, environment) {
    const { claudeProvider } = await import("../harness/providers/claude/provider.ts");
    return claudeProvider({ name: config.name, words: wordsOf(config, "claude"), environment });
  },
  async codex(config, environment) {
    const { codexProvider } = await import("../harness/providers/codex/provider.ts");
    return codexProvider({ name: config.name, words: wordsOf(config, "codex"), environment });
  },
  async acp(config, environment) {
    const { acpProvider } = await import("../harness/providers/acp/provider.ts");
    return acpProvider({ name: config.name, words: wordsOf(config, config.name), environment });
  },
  async command(config, environment) {
    const { commandProvider } = await import("../harness/providers/command/provider.ts");
    if (!config.command) throw new DaemonError(`Provider ${config.name}: name its program in "command".`);
    return commandProvider({ name: config.name, words: wordsOf(config, config.name), can: config.can, environment });
  },
};

/** Adapters of the providers of a configuration. @throws DaemonError for one that names no program */
export const makeProviders = ({ providers }: DaemonConfig, environment: Environment): Promise<Runnable[]> =>
  Promise.all(providers.map(async (config) => ({ config, provider: await MAKERS[config.kind](config, environment) })));
