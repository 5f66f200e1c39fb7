import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

export type Seal = ReturnType<typeof createSeal>;

/**
 * Encrypts secrets that the relay must send or compare as they are, so that a hash would not do. The key is in a file beside the
 * database: a copy of the database alone reveals nothing.
 * @param key see `derivationKey`
 * @param purpose secrets of one purpose do not open as those of another
 */
export function createSeal(key: string, purpose: string) {
  const secret = createHmac("sha256", key).update(purpose).digest();
  return {
    /** @param owner a secret opens for its owner alone */
    close(text: string, owner: string): string {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, secret, iv).setAAD(Buffer.from(owner));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
    },

    /** @throws when it was sealed with another key, as in a database beside a new key */
    open(text: string, owner: string): string {
      const bytes = Buffer.from(text, "base64url");
      const decipher = createDecipheriv(CIPHER, secret, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(owner));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString("utf8");
    },

    /** undefined when it was sealed with another key. */
    tryOpen(text: string, owner: string): string | undefined {
      try {
        return this.open(text, owner);
      } catch {
        return undefined;
      }
    },
  };
}

/** Constant-time comparison. */
export function isSame(given: string, expected: string): boolean {
  const hash = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
