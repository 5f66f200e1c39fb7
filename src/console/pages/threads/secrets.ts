import { createVault, type Vault } from "../../../client/sealed.ts";

/** Passwords that a page keeps at a time. */
const MAX_KEPT = 8;

/** Passwords of encrypted messages, for as long as the page is open. They are stored nowhere. */
function createSecrets() {
  let vaults: readonly Vault[] = [];
  const listeners = new Set<() => void>();
  const set = (to: readonly Vault[]): void => {
    vaults = to;
    for (const tell of listeners) tell();
  };
  return {
    onChange(tell: () => void): () => void {
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
    /** The newest first. */
    all: (): readonly Vault[] => vaults,
    add: (vault: Vault): void => set([vault, ...vaults.filter((one) => one !== vault)].slice(0, MAX_KEPT)),
    make: (password: string): Vault => createVault(password),
    forget: (): void => set([]),
  };
}

export const secrets = createSecrets();
