import { createHmac, randomBytes } from "node:crypto";
import { createSeal } from "../../kernel/seal.ts";
import type { IntegrationRow } from "./row.ts";

export type Secrets = ReturnType<typeof createSecrets>;

/**
 * Secrets of integrations. Checking a signature needs the secret itself. The relay derives its own from its key, and encrypts
 * those of the sources with it: the database alone holds neither.
 */
export function createSecrets(key: string) {
  const seal = createSeal(key, "integration secrets");

  return {
    /** Input of a new secret. */
    freshNonce: (): string => randomBytes(16).toString("base64url"),

    of({ source, verify, nonce, sealed }: Pick<IntegrationRow, "source" | "verify" | "nonce" | "sealed">): string {
      if (sealed !== null) return seal.open(sealed, source);
      const mac = createHmac("sha256", key).update(JSON.stringify(["integration", source, nonce]));
      // Standard Webhooks has its own form of secrets.
      return verify === "standard" ? `whsec_${mac.digest("base64")}` : `sbi_${mac.digest("base64url")}`;
    },

    seal: (source: string, secret: string): string => seal.close(secret, source),
  };
}
