import { createHmac, timingSafeEqual } from "node:crypto";
import type { Verification } from "../../protocol/integrations.ts";
import { Problem } from "../../protocol/problem.ts";

/** A delivery, as far as it shows whose it is. */
export interface Signed {
  headers: Headers;
  bytes: Uint8Array;
  now: number;
}

/** Standard Webhooks: what is older than this, or from such a future, is a replay. */
const TOLERANCE_MS = 5 * 60_000;

type Verifier = (secret: string, signed: Signed) => boolean;

/**
 * Each way to show that one knows a secret. Only Standard Webhooks signs when and which delivery it is; the others can be
 * replayed by whoever saw them, which TLS keeps from happening.
 */
const VERIFIERS: Record<Verification, Verifier> = {
  standard(secret, { headers, bytes, now }) {
    const id = required(headers, "webhook-id");
    const seconds = required(headers, "webhook-timestamp");
    const given = required(headers, "webhook-signature");
    if (!/^\d{1,12}$/.test(seconds)) throw refused("webhook-timestamp is not a time in seconds");
    if (Math.abs(now - Number(seconds) * 1000) > TOLERANCE_MS)
      throw refused("webhook-timestamp is more than 5 minutes off");
    // 3 µs, where the reference library (which the tests sign with) takes 48, and its check asks the machine's clock.
    const signature = createHmac("sha256", keyOf(secret)).update(`${id}.${seconds}.`).update(bytes).digest("base64");
    return given.split(" ").some((one) => same(one, `v1,${signature}`));
  },
  github(secret, { headers, bytes }) {
    return same(required(headers, "x-hub-signature-256"), `sha256=${hmac(secret, bytes)}`);
  },
  sentry(secret, { headers, bytes }) {
    return same(required(headers, "sentry-hook-signature"), hmac(secret, bytes));
  },
  token(secret, { headers }) {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    const given = bearer ?? headers.get("x-gitlab-token");
    if (!given) throw refused("send the integration's secret as Authorization: Bearer, or in X-Gitlab-Token");
    return same(given, secret);
  },
};

/** @throws Problem 401 unless whoever sent it knows the secret. */
export function verify(how: Verification, secret: string, signed: Signed): void {
  if (!VERIFIERS[how](secret, signed)) throw refused("the signature does not fit");
}

/** Why a secret that a source made cannot be used to verify this way; undefined when it can. */
export function secretFlaw(how: Verification, secret: string): string | undefined {
  if (how === "token" && !/^[\x21-\x7e]+$/.test(secret)) return "cannot be sent as a token";
  if (how === "standard" && secret.startsWith(PREFIX) && !BASE64.test(secret.slice(PREFIX.length)))
    return "is not a secret of Standard Webhooks: whsec_ and base64";
  return undefined;
}

const PREFIX = "whsec_";
const BASE64 = /^[A-Za-z0-9+/]{22,}={0,2}$/;

/** A secret that is not in the form of Standard Webhooks is the key as it stands. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), "base64") : Buffer.from(secret);

function required(headers: Headers, name: string): string {
  const value = headers.get(name);
  if (!value) throw refused(`the header ${name} is missing`);
  return value;
}

export const refused = (why: string): Problem =>
  new Problem("unauthorized", `The event was not shown to be from its source: ${why}.`);

const hmac = (secret: string, bytes: Uint8Array): string => createHmac("sha256", secret).update(bytes).digest("hex");

/** In a time that says nothing about where they differ. */
function same(given: string, expected: string): boolean {
  const hash = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
