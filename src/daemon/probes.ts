import type { Provider } from "../protocol/orchestrators.ts";
import type { Services } from "./services.ts";

/** The start goes on after this time, without the versions that are still missing. */
const PATIENCE_MS = 10_000;

export type Probes = ReturnType<typeof createProbes>;

/** Looks at the CLIs of all providers, beside each other, and says to the relay what is known of them. */
export function createProbes(services: Services) {
  const { providers, life, time, log, link, config } = services;
  const waiting = new Set(providers.keys());
  const versions = new Map<string, string>();
  let said = "";

  async function probe(name: string): Promise<void> {
    try {
      const found = await providers.get(name)?.provider.probe(life);
      if (found) versions.set(name, found.version.slice(0, 64));
    } catch (error) {
      if (!life.aborted) log(`Provider ${name} cannot be used now: ${error instanceof Error ? error.message : error}`);
    }
    waiting.delete(name);
  }

  /** Providers with their abilities and, where they have said it, their version. */
  function known(): Provider[] {
    return [...providers].map(([name, { provider }]) => {
      const capabilities = Object.entries(provider.capabilities).flatMap(([ability, has]) => (has ? [ability] : []));
      const version = versions.get(name);
      return { name, capabilities, ...(version !== undefined && { version }) };
    });
  }

  return {
    /** Begins the looks. Resolves when all have ended, or after 10 seconds. @throws the reason of the daemon's end */
    async start(): Promise<void> {
      const all = Promise.all([...waiting].map(probe));
      const patience = new AbortController();
      const late = time.sleep(PATIENCE_MS, AbortSignal.any([life, patience.signal]));
      await Promise.race([all, late]).finally(() => patience.abort());
      if (waiting.size > 0)
        log("The start goes on: some CLIs have not said their version yet", { providers: [...waiting] });
    },
    /** Providers for the registration. `report` says later what is not known yet. */
    registered(): Provider[] {
      const list = known();
      said = JSON.stringify(list);
      return list;
    },
    /** Tells the relay when something is known that it was not told. */
    async report(): Promise<void> {
      const list = known();
      const text = JSON.stringify(list);
      if (text === said) return;
      await link.box.orchestrators.patch(config.id, { providers: list }, { signal: life, retries: 0 });
      said = text;
    },
  };
}
