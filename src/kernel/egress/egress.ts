import { lookup } from "node:dns/promises";
import { Problem } from "../../protocol/problem.ts";
import { VERSION } from "../../version.ts";
import { addressFlaw, isAddress, parseAllowed } from "./addresses.ts";
import { type EgressAnswer, EgressError, exchange } from "./exchange.ts";

export type { EgressAnswer } from "./exchange.ts";
export { EgressError } from "./exchange.ts";

/** Request to an address chosen by another party. */
export interface EgressRequest {
  url: string;
  /** Default: GET. */
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Time from the name lookup to the last byte of the answer. Default: 15 s. */
  timeoutMs?: number;
  /** Limit of the answer's body. Default: 1 MiB. */
  maxBytes?: number;
  /** Treatment of a larger body: `fail` (default), or `cut`. */
  overflow?: "fail" | "cut";
  /** Redirects to follow, each checked like the first address. Default: 0, a 3xx is the answer. */
  redirects?: number;
  signal?: AbortSignal;
}

/** Resolves a name to all its addresses. */
type Resolve = (host: string) => Promise<string[]>;

export interface EgressParts {
  /** Allowed hosts, addresses and ranges that are not public; `*` allows everything. */
  allow: readonly string[];
  /** For tests. */
  resolve?: Resolve;
  ca?: string;
}

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 1024 * 1024;
/** Number of addresses of a name to try. */
const MAX_TRIED = 4;
const MAX_URL = 2048;
const LOCAL_NAME = /^(.*\.)?(localhost|local|internal)\.?$/i;

export type Egress = ReturnType<typeof createEgress>;

/**
 * Sends requests to addresses chosen by other parties, and only to public ones unless a setting allows more. Every address of
 * a name is checked, and the connection goes to a checked one, so a name that changes its address in between gains nothing.
 * Proxies of the environment are not used.
 */
export function createEgress({ allow, resolve = resolveName, ca }: EgressParts) {
  const allowed = parseAllowed(allow);

  /** Reason to refuse a URL, judged by the URL alone. */
  function urlFlaw(text: string): string | undefined {
    const url = URL.parse(text);
    if (!url || text.length > MAX_URL)
      return `has to be a URL like https://example.com/hook, of at most ${MAX_URL} characters`;
    if (url.protocol !== "http:" && url.protocol !== "https:") return "has to begin with http:// or https://";
    if (url.username !== "" || url.password !== "") return "has a user name or password in it: leave them out";
    const host = hostOf(url);
    if (allowed.everything || allowed.hosts.has(host)) return undefined;
    if (isAddress(host)) return addressFlaw(host, allowed);
    return LOCAL_NAME.test(host) && allowed.ranges.length === 0
      ? `${host} is not a public name. Add it to SIGNALBOX_EGRESS_PRIVATE to allow it`
      : undefined;
  }

  /** Resolves a URL's host, in the order to try. @throws EgressError when any address is not allowed */
  async function addressesOf(url: URL, signal: AbortSignal): Promise<string[]> {
    const host = hostOf(url);
    if (isAddress(host)) return [host];
    const found = await Promise.race([resolve(host), aborted(signal)]).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new EgressError("unresolved", `${host} has no address: ${(error as Error).message}`);
    });
    if (found.length === 0) throw new EgressError("unresolved", `${host} has no address.`);
    for (const address of allowed.hosts.has(host) ? [] : found) {
      const flaw = addressFlaw(address, allowed);
      if (flaw) throw new EgressError("refused", `${host}: ${flaw}.`);
    }
    // IPv4 first: a host without IPv6 may answer late or never.
    return found.toSorted((a, b) => Number(a.includes(":")) - Number(b.includes(":"))).slice(0, MAX_TRIED);
  }

  async function hop(url: URL, asked: Hop, signal: AbortSignal): Promise<EgressAnswer> {
    const flaw = urlFlaw(url.href);
    if (flaw) throw new EgressError("refused", `${url.host}: ${flaw}.`);
    const { maxBytes = MAX_BYTES, overflow = "fail", method = "GET", headers, body } = asked;
    const sent = { url, method, headers, body, maxBytes, overflow, signal, ca };
    let failed: unknown;
    for (const address of await addressesOf(url, signal)) {
      try {
        return await exchange({ ...sent, address });
      } catch (error) {
        // Try another address only if this one was not reached: a request must not be sent twice.
        if (!(error instanceof EgressError) || !/\((ECONNREFUSED|ENETUNREACH|EHOSTUNREACH)\)/.test(error.message))
          throw error;
        failed = error;
      }
    }
    throw failed;
  }

  async function follow(first: EgressRequest, signal: AbortSignal): Promise<EgressAnswer> {
    const { redirects = 0 } = first;
    let asked: Hop = { ...first, headers: { "user-agent": `Signalbox/${VERSION}`, ...lowerCased(first.headers) } };
    let url = URL.parse(first.url);
    if (!url) throw new EgressError("refused", "That is not a URL.");
    for (let left = redirects; ; left--) {
      const answer = await hop(url, asked, signal);
      const { location } = answer.headers;
      if (redirects === 0 || !REDIRECTS.has(answer.status) || location === undefined) return answer;
      if (left === 0) throw new EgressError("redirect", `More than ${redirects} redirects.`);
      const next = URL.parse(location, url);
      if (!next) throw new EgressError("redirect", "A redirect to what is not a URL.");
      if (url.protocol === "https:" && next.protocol !== "https:")
        throw new EgressError("redirect", "A redirect from https to http.");
      asked = onward(asked, answer.status, next.origin === url.origin);
      url = next;
    }
  }

  return {
    /** Checks a URL from a caller, without DNS, which is asked when sending. @throws Problem 422 that names `pointer` */
    requireAllowed(url: string, pointer: string): void {
      const flaw = urlFlaw(url);
      if (flaw) throw Problem.invalid(pointer, flaw);
    },

    /** Sends a request. @throws EgressError when there is no answer, or the reason of `signal` */
    async request(asked: EgressRequest): Promise<EgressAnswer> {
      const { timeoutMs = TIMEOUT_MS } = asked;
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = asked.signal ? AbortSignal.any([asked.signal, timeout]) : timeout;
      try {
        return await follow(asked, signal);
      } catch (error) {
        asked.signal?.throwIfAborted();
        if (timeout.aborted) throw new EgressError("timeout", `No answer within ${timeoutMs / 1000} s.`);
        throw error;
      }
    },
  };
}

type Hop = EgressRequest & { headers: Record<string, string> };

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Headers for the first host alone. */
const PRIVATE_HEADERS = new Set(["authorization", "cookie", "proxy-authorization"]);

/** Request to the next address of a redirect: 307 and 308 keep method and body, others turn it into GET. */
function onward(asked: Hop, status: number, sameOrigin: boolean): Hop {
  const keeps = status === 307 || status === 308 || asked.method === "HEAD";
  const headers = Object.entries(asked.headers).filter(
    ([name]) => (sameOrigin || !PRIVATE_HEADERS.has(name)) && (keeps || !name.startsWith("content-")),
  );
  const next: Hop = { ...asked, headers: Object.fromEntries(headers) };
  return keeps ? next : { ...next, method: "GET", body: undefined };
}

const lowerCased = (headers: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "").toLowerCase();

const resolveName: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
