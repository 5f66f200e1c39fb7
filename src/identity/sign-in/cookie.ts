import { Problem } from "../../protocol/problem.ts";

/** Cookie over TLS: the prefix binds it to this host alone (RFC 6265bis, section 4.1.3.2). */
const SECURE_COOKIE = "__Host-signalbox";
/** Cookie over plain HTTP on loopback, where browsers refuse the prefix. */
const LOOPBACK_COOKIE = "signalbox";
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

/** Whether the browser reached the relay over TLS: by the URL, or as the proxy in front says. */
const isOverTls = (request: Request): boolean =>
  request.headers.get("x-forwarded-proto")?.split(",")[0]?.trim() === "https" || request.url.startsWith("https:");

export const hostOf = (request: Request): string => request.headers.get("host") ?? new URL(request.url).host;

/** Secret of the sign-in that a browser shows; undefined for none. */
export function readCookie(request: Request): string | undefined {
  const header = request.headers.get("cookie");
  if (header === null) return undefined;
  const given = new Map(
    header.split(";").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    }),
  );
  return given.get(SECURE_COOKIE) ?? (LOOPBACK.test(hostOf(request)) ? given.get(LOOPBACK_COOKIE) : undefined);
}

/**
 * `Set-Cookie` for a new sign-in.
 * @throws Problem 403 over plain HTTP off loopback, where others could read the cookie on its way
 */
export function setCookie(request: Request, secret: string, seconds: number): string {
  const rest = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
  if (isOverTls(request)) return `${SECURE_COOKIE}=${secret}; Secure; ${rest}`;
  if (LOOPBACK.test(hostOf(request))) return `${LOOPBACK_COOKIE}=${secret}; ${rest}`;
  throw new Problem(
    "forbidden",
    "Signing in needs TLS beyond this machine: others could read the cookie. Open the console at its https address, or on 127.0.0.1.",
  );
}

/** `Set-Cookie` that clears the sign-in. */
export const clearCookie = (request: Request): string => setCookie(request, "", 0);
