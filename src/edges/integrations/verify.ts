import { createHmac, timingSafeEqual } from "node:crypto";
import type { Verification } from "../../protocol/integrations.ts";
import { Problem } from "../../protocol/problem.ts";

/** A delivery, before its body has come. */
export interface Signed {
  headers: Headers;
  now: number;
}

/** Sees all bytes of a body; tells after the last, once, whether its sender knows the secret. */
export interface Check {
  take?(piece: Uint8Array): void;
  isPassed(): boolean;
}

/** Standard Webhooks: what is older than this, or from such a future, is a replay. */
const TOLERANCE_MS = 5 * 60_000;

type Verifier = (secret: string, signed: Signed) => Check;

/**
 * Each way to show that one knows a secret. Only Standard Webhooks signs when and which delivery it is; the others can be
 * replayed by whoever saw them, which TLS keeps from happening.
 */
const VERIFIERS: Record<Verification, Verifier> = {
  standard(secret, { headers, now }) {
    const id = required(headers, "webhook-id");
    const seconds = required(headers, "webhook-timestamp");
    const given = required(headers, "webhook-signature");
    if (!/^\d{1,12}$/.test(seconds)) throw refused("webhook-timestamp is not a time in seconds");
    if (Math.abs(now - Number(seconds) * 1000) > TOLERANCE_MS)
      throw refused("webhook-timestamp is more than 5 minutes off");
    // 3 µs, where the reference library (which the tests sign with) takes 48, and its check asks the machine's clock.
    const mac = createHmac("sha256", keyOf(secret)).update(`${id}.${seconds}.`);
    return {
      take: (piece) => mac.update(piece),
      isPassed() {
        const signature = mac.digest("base64");
        return given.split(" ").some((one) => same(one, `v1,${signature}`));
      },
    };
  },
  github: (secret, { headers }) => signedWith(secret, required(headers, "x-hub-signature-256"), "sha256="),
  sentry: (secret, { headers }) => signedWith(secret, required(headers, "sentry-hook-signature"), ""),
  token(secret, { headers }) {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    const given = bearer ?? headers.get("x-gitlab-token");
    if (!given) throw refused("send the integration's secret as Authorization: Bearer, or in X-Gitlab-Token");
    return { isPassed: () => same(given, secret) };
  },
};

/** A check of whether the sender of a delivery knows the secret. @throws Problem 401 when its headers show that it does not */
export const checkOf = (how: Verification, secret: string, signed: Signed): Check => VERIFIERS[how](secret, signed);

/** A check that nobody passes, at the cost of one that somebody does. */
export const noPass = (): Check => ({ ...signedWith("nobody", "", ""), isPassed: () => false });

function signedWith(secret: string, given: string, prefix: string): Check {
  const mac = createHmac("sha256", secret);
  return { take: (piece) => mac.update(piece), isPassed: () => same(given, prefix + mac.digest("hex")) };
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

/** In a time that says nothing about where they differ. */
function same(given: string, expected: string): boolean {
  const hash = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
