import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { isAddress } from "./addresses.ts";

/** Reasons for a missing answer. Only `refused` is about the address itself. */
export type EgressCode = "refused" | "unresolved" | "unreachable" | "redirect" | "timeout" | "too-large";

/** Missing answer. `message` may be shown to the party that chose the address. */
export class EgressError extends Error {
  override readonly name = "EgressError";
  constructor(
    readonly code: EgressCode,
    message: string,
  ) {
    super(message);
  }
}

/** One request to a checked address. */
export interface Exchange {
  url: URL;
  /** Address to connect to, without another lookup. */
  address: string;
  method: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
  maxBytes: number;
  overflow: "fail" | "cut";
  signal: AbortSignal;
  /** Certificates to trust instead of the usual ones. */
  ca: string | undefined;
}

export interface EgressAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** URL that answered; after redirects not the one asked. */
  url: string;
}

/**
 * Makes one HTTP exchange over its own connection, to the given address, under the name of the URL's host. `fetch` would use
 * proxies of the environment and look the name up again.
 * @throws EgressError, or the reason of the signal
 */
export async function exchange(sent: Exchange): Promise<EgressAnswer> {
  // Loaded on demand: it takes 10 ms, and many relays never send a request.
  const { request } = sent.url.protocol === "https:" ? await import("node:https") : await import("node:http");
  sent.signal.throwIfAborted();
  return answerTo(request(optionsFor(sent)), sent);
}

function answerTo(request: ClientRequest, sent: Exchange): Promise<EgressAnswer> {
  const { url, method, body, signal } = sent;
  return new Promise((resolve, reject) => {
    const leave = () => request.destroy();
    signal.addEventListener("abort", leave, { once: true });
    const settle = (end: () => void) => {
      signal.removeEventListener("abort", leave);
      end();
    };
    const fail = (error: Error) =>
      settle(() => reject(signal.aborted ? signal.reason : error instanceof EgressError ? error : unreachable(error)));
    request.on("error", fail);
    request.on("response", (response) => {
      readAll(response, sent).then((read) => settle(() => resolve(answerOf(response, read, url))), fail);
    });
    request.end(method === "GET" || method === "HEAD" ? undefined : body);
  });
}

function optionsFor({ url, address, method, headers, body, ca }: Exchange): RequestOptions {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return {
    host: address,
    port: url.port === "" ? undefined : Number(url.port),
    path: `${url.pathname}${url.search}`,
    method,
    headers: { ...headers, ...length, host: url.host },
    agent: false,
    ...(url.protocol === "https:" && {
      rejectUnauthorized: true,
      // Name expected in the certificate. An address is no server name.
      ...(!isAddress(host) && { servername: host }),
      ...(ca !== undefined && { ca }),
    }),
  };
}

async function readAll(response: IncomingMessage, { maxBytes, overflow }: Exchange): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= maxBytes) continue;
    response.destroy();
    if (overflow === "fail") throw new EgressError("too-large", `The answer is larger than ${maxBytes} bytes.`);
    break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

function answerOf(response: IncomingMessage, body: Uint8Array, url: URL): EgressAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return { status: response.statusCode ?? 0, headers, body, url: url.href };
}

function unreachable(error: Error): EgressError {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (!code) return new EgressError("unreachable", error.message);
  const reason = REASONS[code];
  const place = reason && address ? `: ${address}${port ? ` port ${port}` : ""}` : "";
  return new EgressError("unreachable", `${reason ?? error.message}${place} (${code})`);
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: "Nothing listens there",
  ECONNRESET: "The connection was closed before the answer",
  ETIMEDOUT: "The connection was not made in time",
  EHOSTUNREACH: "The network does not reach it",
  ENETUNREACH: "The network does not reach it",
  CERT_HAS_EXPIRED: "Its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "Its certificate is not signed by a known authority",
  SELF_SIGNED_CERT_IN_CHAIN: "Its certificate is not signed by a known authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "Its certificate is not signed by a known authority",
  ERR_TLS_CERT_ALTNAME_INVALID: "Its certificate is for another name",
};
