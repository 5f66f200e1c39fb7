import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

export type Seal = ReturnType<typeof createSeal>;

/**
 * Secrets that have to be sent as they are, so that no hash will do: in the database they are sealed with the relay's own
 * key, which is in a file beside it. A copy of the database alone gives nothing away.
 * @param key see `derivationKey`
 */
export function createSeal(key: string) {
  const secret = createHmac("sha256", key).update("a2a secrets").digest();
  return {
    /** @param whose id of the owner: a secret opens for its owner alone */
    close(text: string, whose: string): string {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, secret, iv).setAAD(Buffer.from(whose));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
    },

    /** undefined when it was sealed with another key: a database beside a new one. */
    open(text: string, whose: string): string | undefined {
      const bytes = Buffer.from(text, "base64url");
      try {
        const decipher = createDecipheriv(CIPHER, secret, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(whose));
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString();
      } catch {
        return undefined;
      }
    },
  };
}
