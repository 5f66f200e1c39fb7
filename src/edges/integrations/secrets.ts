import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import type { Verification } from "../../protocol/integrations.ts";
import type { IntegrationRow } from "./row.ts";

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

export type Secrets = ReturnType<typeof createSecrets>;

/**
 * The secrets of integrations. A signature can only be checked with the secret itself, so a hash would not do: ours are
 * derived from the relay's key, those that a source made are encrypted with it. The database alone holds neither.
 */
export function createSecrets(key: string) {
  const sealing = createHmac("sha256", key).update("integration secrets").digest();

  return {
    /** Input that a new secret is derived from. */
    freshNonce: (): string => randomBytes(16).toString("base64url"),

    of({ source, verify, nonce, sealed }: Pick<IntegrationRow, "source" | "verify" | "nonce" | "sealed">): string {
      if (sealed !== null) return unseal(sealing, source, sealed);
      const bytes = createHmac("sha256", key)
        .update(JSON.stringify(["integration", source, nonce]))
        .digest();
      return written(verify, bytes);
    },

    /** Good for this source alone. */
    seal(source: string, secret: string): string {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, sealing, iv).setAAD(Buffer.from(source));
      const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
    },
  };
}

/** Standard Webhooks has a form of its own for secrets. */
const written = (verify: Verification, bytes: Buffer): string =>
  verify === "standard" ? `whsec_${bytes.toString("base64")}` : `sbi_${bytes.toString("base64url")}`;

function unseal(sealing: Buffer, source: string, text: string): string {
  const bytes = Buffer.from(text, "base64url");
  const decipher = createDecipheriv(CIPHER, sealing, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(source));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString("utf8");
}
