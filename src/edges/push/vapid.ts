import { createECDH, createHmac, createPrivateKey, ECDH, type KeyObject, sign } from "node:crypto";
import { lazy } from "../../kernel/lazy.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedPushDraft } from "../../protocol/push.ts";

const CURVE = "prime256v1";
/** Lifetime of a signed claim; push services refuse more than a day. */
const VALID_S = 12 * 3600;

interface KeyPair {
  /** Uncompressed point, base64url. */
  publicKey: string;
  privateKey: KeyObject;
}

/** Key pair of the relay, derived from its key: the database holds none, and a restart gives the same. */
export const keyPairOf = (key: string): (() => Promise<KeyPair>) => lazy(async () => derive(key));

function derive(key: string): KeyPair {
  const pair = createECDH(CURVE);
  // One number in 2^32 is no private key of the curve.
  for (let n = 0; ; n++) {
    try {
      pair.setPrivateKey(
        createHmac("sha256", key)
          .update(JSON.stringify(["push", n]))
          .digest(),
      );
      break;
    } catch {}
  }
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  const jwk = { kty: "EC", crv: "P-256", d: pair.getPrivateKey().toString("base64url"), x, y };
  return { publicKey: point.toString("base64url"), privateKey: createPrivateKey({ format: "jwk", key: jwk }) };
}

/** `Authorization` of one push (RFC 8292). @param subject a URL or a `mailto:` for the operators of the push service */
export function authorization(
  { publicKey, privateKey }: KeyPair,
  endpoint: string,
  subject: string,
  now: number,
): string {
  const claims = { aud: new URL(endpoint).origin, exp: Math.floor(now / 1000) + VALID_S, sub: subject };
  const unsigned = [{ typ: "JWT", alg: "ES256" }, claims].map(encoded).join(".");
  const signature = sign("sha256", Buffer.from(unsigned), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `vapid t=${unsigned}.${signature.toString("base64url")}, k=${publicKey}`;
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** @throws Problem 422 for keys of the wrong length, and for a point that is not on the curve */
export function checkKeys({ p256dh, auth }: ParsedPushDraft["keys"]): void {
  if (Buffer.from(auth, "base64url").length !== 16)
    throw Problem.invalid("/keys/auth", "has to be 16 bytes in base64url");
  const point = Buffer.from(p256dh, "base64url");
  if (point.length !== 65 || point[0] !== 4 || !isOnCurve(point))
    throw Problem.invalid("/keys/p256dh", "has to be an uncompressed point of P-256, 65 bytes in base64url");
}

function isOnCurve(point: Buffer): boolean {
  try {
    ECDH.convertKey(point, CURVE);
    return true;
  } catch {
    return false;
  }
}
