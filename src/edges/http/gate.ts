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

export type Gate = ReturnType<typeof createGate>;

/**
 * Refuses calls of web pages of another origin, and of pages under a name that was made to point here (DNS rebinding).
 * Programs send no Origin, and pass.
 */
export function createGate({ host, publicUrl, allowed }: GateOptions) {
  const all = allowed.includes("*");
  const names = new Set([...LOOPBACK, ...(publicUrl ? [new URL(publicUrl).hostname] : []), ...allowed.map(nameIn)]);
  const origins = new Set([...(publicUrl ? [new URL(publicUrl).origin] : []), ...allowed]);
  // Beyond loopback the relay cannot know its own names, unless it was told some.
  const checksHost = !all && (isLoopback(host) || publicUrl !== undefined || allowed.length > 0);

  return {
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
