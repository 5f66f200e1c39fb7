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
  /** Reason why it fails, where the headers show it. */
  why?: string | undefined;
}

/** Standard Webhooks: a time further off than this, past or future, is a replay. */
const TOLERANCE_MS = 5 * 60_000;

/** A string is the reason why the headers alone show that the sender does not know the secret. */
type Verifier = (secret: string, head: DeliveryHead) => Check | string;

/**
 * Proofs that a sender knows a secret. Only Standard Webhooks signs the time and the delivery; an eavesdropper could replay the
 * others, which TLS prevents.
 */
const VERIFIERS: Record<Verification, Verifier> = {
  standard(secret, { headers, now }) {
    const [id, seconds, given] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((n) => headers.get(n));
    if (!id || !seconds || !given) return "webhook-id, webhook-timestamp or webhook-signature is missing";
    if (!/^\d{1,12}$/.test(seconds)) return "webhook-timestamp is not a time in seconds";
    if (Math.abs(now - Number(seconds) * 1000) > TOLERANCE_MS) return "webhook-timestamp is more than 5 minutes off";
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
  github: (secret, { headers }) => signedIn(headers, "x-hub-signature-256", { secret, prefix: "sha256=" }),
  sentry: (secret, { headers }) => signedIn(headers, "sentry-hook-signature", { secret, prefix: "" }),
  token(secret, { headers }) {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    const given = bearer ?? headers.get("x-gitlab-token");
    if (!given) return "the secret is neither in Authorization: Bearer nor in X-Gitlab-Token";
    return isSame(given, secret) ? { isPassed: () => true } : "the token is not the secret";
  },
};

/** Checks that the sender of a delivery knows the secret. A string is the reason why its headers show that it does not. */
export const checkOf = (how: Verification, secret: string, head: DeliveryHead): Check | string =>
  VERIFIERS[how](secret, head);

const SIGNATURES = ["webhook-signature", "x-hub-signature-256", "sentry-hook-signature"];

/** Whether the body may prove the sender: without a signature the headers decide. */
export const isSigned = (headers: Headers): boolean => SIGNATURES.some((name) => headers.has(name));

/** A check that always fails, as slow as one that may pass. */
export const noPass = (why?: string): Check => ({
  ...signedWith("", { secret: "nobody", prefix: "" }),
  ...{ isPassed: () => false, why },
});

/** A key, and the text before its signature. */
interface Form {
  secret: string;
  prefix: string;
}

function signedIn(headers: Headers, name: string, form: Form): Check | string {
  const given = headers.get(name);
  return given ? signedWith(given, form) : `${name} is missing`;
}

function signedWith(given: string, { secret, prefix }: Form): Check {
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

/** One text for every reason: it does not tell a stranger which sources there are. */
export const unproven = (): Problem =>
  new Problem(
    "unauthorized",
    "The event does not prove its source. Send it with a token of role integration, or proven as the integration's `verify` " +
      "says: with each header of that form, by the secret it has now, and with a time no more than 5 minutes off.",
  );
