import {
  createDecipheriv,
  createECDH,
  createPublicKey,
  hkdfSync,
  randomBytes,
  verify as verifySignature,
} from "node:crypto";
import type { PushPayload } from "../../src/protocol/push.ts";
import { atEnd } from "./ending.ts";

/** Keys of some browser, as in RFC 8291, section 5. */
export const SAMPLE_KEYS = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};

export interface Pushed extends PushPayload {
  headers: Record<string, string>;
  device: string;
}

/** A browser: what it shows the relay, and how it reads what comes. */
function createBrowser(url: string, device: string) {
  const pair = createECDH("prime256v1");
  pair.generateKeys();
  const auth = randomBytes(16);
  return {
    device,
    draft: (more: object = {}) => ({
      ...{ endpoint: `${url}/${device}`, device, expirationTime: null },
      keys: { p256dh: pair.getPublicKey("base64url"), auth: auth.toString("base64url") },
      ...more,
    }),
    /** Decrypts a body of one record (RFC 8291, RFC 8188). */
    open(body: Buffer): PushPayload {
      const [salt, idLength] = [body.subarray(0, 16), body[20] ?? 0];
      const sender = body.subarray(21, 21 + idLength);
      const info = Buffer.concat([Buffer.from("WebPush: info\0"), pair.getPublicKey(), sender]);
      const secret = Buffer.from(hkdfSync("sha256", pair.computeSecret(sender), auth, info, 32));
      const derived = (name: string, length: number) =>
        Buffer.from(hkdfSync("sha256", secret, salt, Buffer.from(`Content-Encoding: ${name}\0`), length));
      const record = body.subarray(21 + idLength);
      const cipher = createDecipheriv("aes-128-gcm", derived("aes128gcm", 16), derived("nonce", 12));
      cipher.setAuthTag(record.subarray(-16));
      const padded = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
      return JSON.parse(padded.subarray(0, padded.lastIndexOf(2)).toString());
    },
  };
}

/** A push service on loopback: it checks who sends, and decrypts with the keys of its browsers. */
export function startPushService(now: () => number) {
  const browsers = new Map<string, ReturnType<typeof createBrowser>>();
  const received: Pushed[] = [];
  const keys = new Set<string>();
  let status = 201;
  let meanwhile: (() => Promise<unknown>) | undefined;
  const server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    async fetch(request) {
      const device = new URL(request.url).pathname.slice(1);
      const body = Buffer.from(await request.arrayBuffer());
      const work = meanwhile;
      meanwhile = undefined;
      await work?.();
      const headers = Object.fromEntries(request.headers);
      const browser = browsers.get(device);
      if (!browser) return new Response(null, { status: 404 });
      if (status !== 201) return new Response(null, { status, headers: { "retry-after": "30" } });
      keys.add(checkVapid(headers.authorization ?? "", new URL(url).origin, now()));
      received.push({ ...browser.open(body), headers, device });
      return new Response(null, { status });
    },
  });
  atEnd(() => server.stop(true));
  const url = `http://127.0.0.1:${server.port}`;
  return {
    received,
    /** Public keys that signed. */
    keys,
    browser(device: string) {
      const made = createBrowser(url, device);
      browsers.set(device, made);
      return made;
    },
    answers(code: number): void {
      status = code;
    },
    /** Does something while the next push is on its way. */
    during(work: () => Promise<unknown>): void {
      meanwhile = work;
    },
    /** Takes what came since the last call. */
    take: (): Pushed[] => received.splice(0),
  };
}

/** Checks the `Authorization` of a push (RFC 8292). @returns the public key @throws Error when it does not hold */
function checkVapid(header: string, audience: string, now: number): string {
  const [, token = "", key = ""] = /^vapid t=([^,]+), k=(.+)$/.exec(header) ?? [];
  const [head = "", claims = "", signature = ""] = token.split(".");
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  const publicKey = createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-256", x, y } as never });
  const signed = Buffer.from(`${head}.${claims}`);
  const isSigned = verifySignature(
    "sha256",
    signed,
    { key: publicKey, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, "base64url").toString());
  const isValid =
    aud === audience && exp * 1000 > now && exp * 1000 <= now + 86_400_000 && /^(mailto|https):/.test(sub);
  if (!isSigned || !isValid) throw new Error(`not a signature of the relay: ${header}`);
  return key;
}
