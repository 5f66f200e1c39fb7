import type { Message } from "../protocol/messages.ts";

/** Rounds of PBKDF2 with SHA-256. */
const ROUNDS = 600_000;
const SALT_BYTES = 16;
/** Derived keys that a vault keeps: others choose the salts of what they send. */
const MAX_KEYS = 64;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Sender and target of a message, as the relay shows them. */
export type Sides = Pick<Message, "from" | "to">;

/** `meta.enc` of an encrypted message, version 1. */
export interface Sealing {
  v: 1;
  /** Base64 of 16 bytes. */
  salt: string;
}

/** A body as it is sent, with `encoding: "opaque"` and its `meta`. */
export interface Sealed {
  body: string;
  meta: { enc: Sealing };
}

const utf8 = new TextEncoder();
const base64 = (bytes: Uint8Array): string => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
};

/** Bytes of base64; undefined for anything else. */
function bytesIn(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** How a message is encrypted; undefined where it is not encrypted in this way. */
export function sealingOf({ encoding, meta }: Pick<Message, "encoding" | "meta">): Sealing | undefined {
  const enc: unknown = meta?.enc;
  if (encoding !== "opaque" || typeof enc !== "object" || enc === null || !("v" in enc) || !("salt" in enc))
    return undefined;
  const { v, salt } = enc;
  if (v !== 1 || typeof salt !== "string" || bytesIn(salt)?.length !== SALT_BYTES) return undefined;
  return { v, salt };
}

/** The cryptography of this program. @throws Error in a browser on a page without TLS */
function subtle(): SubtleCrypto {
  const found = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (!found)
    throw new Error("This browser encrypts only on pages with TLS, or on this machine: open the console there.");
  return found;
}

export type Vault = ReturnType<typeof createVault>;

/** Closes and opens messages with one password. Deriving a key takes some tenths of a second, so each is kept. */
export function createVault(password: string) {
  const keys = new Map<string, Promise<CryptoKey>>();
  /** Salt of what this vault closes: one key for all of it. */
  const ownSalt = base64(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));

  function keyOf(salt: string): Promise<CryptoKey> {
    const key = keys.get(salt) ?? derive(password, bytesIn(salt) ?? new Uint8Array());
    keys.set(salt, key);
    const [oldest] = keys.keys();
    if (keys.size > MAX_KEYS && oldest !== undefined) keys.delete(oldest);
    return key;
  }

  return {
    /** Encrypts a text for a message between two sides. `to` has to be as the relay stores it: an id, or a group. */
    async seal(text: string, sides: Sides): Promise<Sealed> {
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const how = { name: "AES-GCM", iv: nonce, additionalData: dataOf(sides) };
      const closed = new Uint8Array(await subtle().encrypt(how, await keyOf(ownSalt), utf8.encode(text)));
      const bytes = new Uint8Array(NONCE_BYTES + closed.length);
      bytes.set(nonce);
      bytes.set(closed, NONCE_BYTES);
      return { body: base64(bytes), meta: { enc: { v: 1, salt: ownSalt } } };
    },

    /** Text of an encrypted message; undefined for another password, other sides, or a body that was changed. */
    async open(message: Sides & Pick<Message, "encoding" | "meta" | "body">): Promise<string | undefined> {
      const sealing = sealingOf(message);
      const bytes = sealing && bytesIn(message.body);
      if (!bytes || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const key = await keyOf(sealing.salt);
      const how = { name: "AES-GCM", iv: bytes.slice(0, NONCE_BYTES), additionalData: dataOf(message) };
      try {
        const opened = await subtle().decrypt(how, key, bytes.slice(NONCE_BYTES));
        return new TextDecoder("utf-8", { fatal: true }).decode(opened);
      } catch {
        return undefined;
      }
    },
  };
}

/** Associated data: sender, a line feed, target. Neither has a line feed in it. */
const dataOf = ({ from, to }: Sides): Uint8Array<ArrayBuffer> => utf8.encode(`${from}\n${to}`);

async function derive(password: string, salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const secret = await subtle().importKey("raw", utf8.encode(password.normalize("NFC")), "PBKDF2", false, [
    "deriveKey",
  ]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  return subtle().deriveKey(how, secret, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
