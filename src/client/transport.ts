import type { z } from "zod";
import type { Answers, Contract, Schema } from "../protocol/contract.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import { problemFrom, RelayMismatch, RelayProblem, RelayUnreachable, retryAfterOf } from "./errors.ts";
import type { Timing } from "./timing.ts";

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** Last argument of every verb. */
export interface Call {
  /** Agent to act for, instead of the client's own. */
  agentId?: string;
  /** Aborts the call; the verb rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Time limit of one try; 30 s, plus the wait of a long poll. */
  timeoutMs?: number;
  /** Retries of a call that is safe to repeat; 4. */
  retries?: number;
  /** Token of the running turn that the call belongs to (header `Signalbox-Run`), instead of the client's own. */
  run?: string;
}

/** Values for a contract. */
export interface Filled {
  params?: Record<string, string | number>;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** The body as JSON text, in place of `body`. */
  json?: string;
  /** Bytes in place of JSON, and their type. */
  upload?: { bytes: Blob | Uint8Array<ArrayBuffer>; type: string };
  /** Idempotency key, which makes a repeat safe. */
  key?: string | undefined;
  /** Whether a repeat is safe; overrides the contract's. */
  repeatable?: boolean;
}

type Documented<A extends Answers> = {
  [S in keyof A]: A[S] extends { type: string }
    ? Uint8Array
    : A[S] extends { schema: infer T extends Schema }
      ? z.output<T>
      : never;
}[keyof A];
/** Parsed successful answer, one of those that the contract documents. Types other than JSON come as bytes. */
export type Answered<A extends Answers> = [Documented<A>] extends [never] ? undefined : Documented<A>;

/** Request of an answer that is read as it comes. */
export interface Opening extends Pick<Filled, "params" | "query"> {
  contract: Contract;
  headers?: Record<string, string>;
}

export interface Transport {
  /** Address of the relay, without a slash at the end. */
  readonly base: string;
  /** Rejects with `RelayProblem`, `RelayUnreachable`, `RelayMismatch`, or the reason of the call's signal. */
  exchange<A extends Answers>(
    contract: Contract<Schema | undefined, Schema | undefined, Schema | undefined, A>,
    filled: Filled,
    call?: Call,
  ): Promise<{ value: Answered<A>; headers: Headers }>;
  /** Rejects as `exchange` does, except that the signal's reason may be wrapped. */
  open(opening: Opening, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

export interface TransportOptions {
  url: string;
  token?: string;
  instanceId?: string;
  run?: string;
  fetch: Fetch;
  timing: Timing;
}

const TIMEOUT_MS = 30_000;
const RETRIES = 4;
/** Longest wait that a call accepts; beyond it the call rejects. */
const LONGEST_PATIENCE_MS = 60_000;
/** Statuses to retry. A proxy answers 502 and 504 while the relay starts. */
export const TRY_AGAIN = [429, 502, 503, 504];

export function createTransport(options: TransportOptions): Transport {
  const { timing } = options;
  const base = options.url.replace(/\/+$/, "");
  const common: Record<string, string> = {};
  if (options.token) common.authorization = `Bearer ${options.token}`;
  if (options.instanceId) common["signalbox-instance"] = options.instanceId;
  if (options.run) common["signalbox-run"] = options.run;

  function requestOf({ method }: Contract, { upload, body, json, key }: Filled, { run }: Call): RequestInit {
    const headers = {
      ...common,
      ...(key !== undefined && { "idempotency-key": key }),
      ...(run !== undefined && { "signalbox-run": run }),
    };
    // The relay never redirects. Following a redirect would turn a POST into a GET, and send the token to a stranger.
    const init: RequestInit = { method, headers, redirect: "error" };
    if (upload) return { ...init, headers: { ...headers, "content-type": upload.type }, body: upload.bytes };
    const text = json ?? (body === undefined ? undefined : JSON.stringify(body));
    if (text === undefined) return init;
    return { ...init, headers: { ...headers, "content-type": "application/json" }, body: text };
  }

  /** One try, within its time limit. */
  async function attempt<A extends Answers>(contract: Contract, filled: Filled, call: Call) {
    const path = pathOf(contract, filled);
    const request = requestOf(contract, filled, call);
    const link = linkedAbort(call.signal);
    const ms = (call.timeoutMs ?? TIMEOUT_MS) + waitOf(filled) * 1000;
    const late = new RelayUnreachable(base, `no answer within ${Math.round(ms / 1000)} s`);
    timing.sleep(ms, link.signal).then(
      () => link.abort(late),
      () => undefined,
    );
    try {
      const response = await options.fetch(base + path + queryOf(filled), { ...request, signal: link.signal });
      return { value: (await read(response, contract, path)) as Answered<A>, headers: response.headers };
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw link.signal.aborted ? late : clientError(error, base);
    } finally {
      link.abort(undefined);
      link.dispose();
    }
  }

  return {
    base,

    async exchange<A extends Answers>(contract: Contract, filled: Filled, call: Call = {}) {
      const backoff = createBackoff(timing, { firstMs: 250, maxMs: 8_000 });
      const isRepeatable =
        filled.repeatable ?? (filled.key !== undefined || contract.repeatable || contract.method === "GET");
      const tries = isRepeatable ? 1 + (call.retries ?? RETRIES) : 1;
      for (let n = 1; ; n++) {
        try {
          return await attempt<A>(contract, filled, call);
        } catch (error) {
          if (n >= tries || !worthRepeating(error)) throw error;
          await timing.sleep(backoff.delay(retryAfterOf(error)), call.signal);
        }
      }
    },

    async open({ contract, headers, ...filled }, signal) {
      const path = pathOf(contract, filled);
      const request: RequestInit = { headers: { ...common, ...headers }, signal, cache: "no-store", redirect: "error" };
      const response = await options.fetch(base + path + queryOf(filled), request).catch((error) => {
        throw clientError(error, base);
      });
      if (!response.ok) throw problemFrom(response, await jsonOf(response).catch(() => undefined));
      if (response.body && response.headers.get("content-type")?.startsWith("text/event-stream")) return response.body;
      throw new RelayMismatch(`${base}${path} is not a stream`);
    },
  };
}

export function worthRepeating(error: unknown): boolean {
  if (error instanceof RelayUnreachable) return true;
  return (
    error instanceof RelayProblem &&
    TRY_AGAIN.includes(error.status) &&
    // Only a person can resolve this.
    error.code !== "loop-paused" &&
    retryAfterOf(error) <= LONGEST_PATIENCE_MS
  );
}

async function read(response: Response, { method, answers }: Contract, path: string): Promise<unknown> {
  const answer = answers[response.status];
  const isBytes = response.ok && answer?.type !== undefined;
  const body = isBytes ? new Uint8Array(await response.arrayBuffer()) : await jsonOf(response);
  if (!response.ok) throw problemFrom(response, body);
  // Parse an undocumented success as the first documented one.
  const schema = (answer ?? Object.values(answers)[0])?.schema;
  if (isBytes) return body;
  if (!schema) return undefined;
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue ? `${issue.path.join("/")}: ${issue.message}` : "";
  throw new RelayMismatch(`The answer to ${method} ${path} is not the relay's (${place})`);
}

/** Body as JSON; undefined for anything else. Rejects when the body is cut off. */
async function jsonOf(response: Response): Promise<unknown> {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Error of the client for one that `fetch` threw, which differs by runtime: the reason is in its cause. */
export function clientError(error: unknown, base: string): unknown {
  if (error instanceof RelayProblem || error instanceof RelayMismatch || error instanceof RelayUnreachable)
    return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new RelayUnreachable(base, reasonOf(cause), { cause: error });
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there. Start the relay (signalbox serve), or give the address of one that runs",
  ENOTFOUND: "its name has no address. Check the name",
  EAI_AGAIN: "its name cannot be looked up now. Check the network",
  ECONNRESET: "the connection was closed before the answer. Is it the relay's port?",
  ETIMEDOUT: "the connection was not made in time. Check the network",
  EHOSTUNREACH: "the network does not reach it",
  ENETUNREACH: "the network does not reach it",
  EPROTO: "it does not speak TLS there. Is it http instead of https?",
  EINVAL: "no connection can be made to it. Check the address",
  UnexpectedRedirect: "it redirects, as no relay does. Give the address that it leads to",
};

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code = "" } = cause as NodeJS.ErrnoException;
  return REASONS[code] ?? (cause.message || cause.name);
}

/** Path with encoded parts: ids of channel agents hold a colon. */
const pathOf = ({ path }: Contract, { params = {} }: Filled): string =>
  path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? ""));

function queryOf({ query = {} }: Filled): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

/** Seconds that the relay itself may wait. */
function waitOf({ query, body }: Filled): number {
  const { waitSeconds } = { ...query, ...(body as { waitSeconds?: number } | undefined) };
  return Number(waitSeconds ?? 0);
}
