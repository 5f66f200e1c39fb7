import { createHmac } from "node:crypto";
import { isSame } from "../../kernel/seal.ts";
import type { Verification } from "../../protocol/integrations.ts";
import { Problem } from "../../protocol/problem.ts";

/** A delivery, before its body has come. */
export interface DeliveryHead {
  headers: Headers;
  now: number;
}

/** Sees all bytes of a body; tells after the last, once, whether its sender knows the secret. */
export interface Check {
  take?(piece: Uint8Array): void;
  isPassed(): boolean;
}

/** Standard Webhooks: a time further off than this, past or future, is a replay. */
const TOLERANCE_MS = 5 * 60_000;

type Verifier = (secret: string, head: DeliveryHead) => Check;

/**
 * Proofs that a sender knows a secret. Only Standard Webhooks signs the time and the delivery; an eavesdropper could replay the
 * others, which TLS prevents.
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
        return given.split(" ").some((one) => isSame(one, `v1,${signature}`));
      },
    };
  },
  github: (secret, { headers }) => signedWith(secret, required(headers, "x-hub-signature-256"), "sha256="),
  sentry: (secret, { headers }) => signedWith(secret, required(headers, "sentry-hook-signature"), ""),
  token(secret, { headers }) {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    const given = bearer ?? headers.get("x-gitlab-token");
    if (!given) throw refused("send the integration's secret as Authorization: Bearer, or in X-Gitlab-Token");
    return { isPassed: () => isSame(given, secret) };
  },
};

/** Checks that the sender of a delivery knows the secret. @throws Problem 401 when its headers show that it does not */
export const checkOf = (how: Verification, secret: string, head: DeliveryHead): Check => VERIFIERS[how](secret, head);

/** A check that always fails, as slow as one that may pass. */
export const noPass = (): Check => ({ ...signedWith("nobody", "", ""), isPassed: () => false });

function signedWith(secret: string, given: string, prefix: string): Check {
  const mac = createHmac("sha256", secret);
  return { take: (piece) => mac.update(piece), isPassed: () => isSame(given, prefix + mac.digest("hex")) };
}

/** Reason why a source's own secret does not fit a form of proof; undefined when it fits. */
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
  new Problem("unauthorized", `The event does not prove its source: ${why}.`);
