import { Problem } from "../../protocol/problem.ts";

export interface GateOptions {
  /** Address that the relay listens on. */
  host: string;
  publicUrl: string | undefined;
  /** Further names that clients and pages may use; `*` for all. */
  allowed: readonly string[];
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const isLoopback = (host: string): boolean => /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);

/** Effect of a call: reading, changing something, or staying open. */
export type Effect = "read" | "change" | "stream";

export type Gate = ReturnType<typeof createGate>;

/**
 * Refuses calls of web pages of another origin, and of pages under a name that was made to point here (DNS rebinding).
 * Programs send no Origin, and pass.
 */
export function createGate({ host, publicUrl, allowed }: GateOptions) {
  const publicOrigin = publicUrl && new URL(publicUrl).origin;
  const all = allowed.includes("*");
  const names = new Set([...LOOPBACK, ...(publicUrl ? [new URL(publicUrl).hostname] : []), ...allowed.map(nameIn)]);
  const origins = new Set([...(publicUrl ? [new URL(publicUrl).origin] : []), ...allowed]);
  // Beyond loopback the relay cannot know its own names, unless it was told some.
  const checksHost = !all && (isLoopback(host) || publicUrl !== undefined || allowed.length > 0);

  /** Whether a page of the relay itself calls, port included. */
  function isOwn(request: Request): boolean {
    const origin = request.headers.get("origin");
    if (origin === null) return request.headers.get("sec-fetch-site") === "same-origin";
    const host = request.headers.get("host") ?? new URL(request.url).host;
    return origin === `http://${host}` || origin === `https://${host}` || origin === publicOrigin;
  }

  return {
    isOwn,

    /**
     * Refuses a call by the cookie that another page could have made: cookies go along from any port of the same host.
     * @throws Problem 403
     */
    checkSignedIn(request: Request, effect: Effect): void {
      if (effect === "read") return;
      if (!isOwn(request))
        throw new Problem("forbidden", "A browser's sign-in writes and streams from the console's own pages alone.");
      if (effect === "change" && request.headers.get("signalbox-console") !== "1")
        throw new Problem("forbidden", "Writing by a browser's sign-in needs the header Signalbox-Console: 1.");
    },

    /** @throws Problem 403 */
    check(request: Request): void {
      const own = request.headers.get("host") ?? new URL(request.url).host;
      if (checksHost && !names.has(nameIn(own)))
        throw new Problem("forbidden", "This name is not one of the relay's: see SIGNALBOX_ALLOWED_HOSTS.");
      const origin = request.headers.get("origin");
      if (origin === null || all || origins.has(origin) || origins.has(nameIn(origin))) return;
      if (origin === `http://${own}` || origin === `https://${own}`) return;
      throw new Problem("forbidden", "Pages of this origin may not call the relay: see SIGNALBOX_ALLOWED_HOSTS.");
    },
  };
}

/** The name in an origin, or in a host with its port. */
function nameIn(text: string): string {
  const bare = text.replace(/^\w+:\/\//, "");
  return bare.startsWith("[") ? bare.slice(0, bare.indexOf("]") + 1) : (bare.split(/[:/]/, 1)[0] ?? "").toLowerCase();
}
