import type { z } from "zod";
import type { Answers, Contract, Schema } from "../protocol/contract.ts";
import { linkedAbort } from "./abort.ts";
import { createBackoff } from "./backoff.ts";
import { problemFrom, RelayMismatch, RelayProblem, RelayUnreachable, retryAfterOf } from "./errors.ts";
import type { Timing } from "./timing.ts";

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** What every verb takes last. */
export interface Call {
  /** The agent acted for, instead of the client's own. */
  agentId?: string;
  /** Gives up; the verb rejects with the signal's reason. */
  signal?: AbortSignal;
  /** How long one try may take; 30 s, and what a long poll waits on top. */
  timeoutMs?: number;
  /** How often a call that is safe to repeat is tried again; 4. */
  retries?: number;
}

/** What a call fills into its contract. */
export interface Filled {
  params?: Record<string, string | number>;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** Bytes in place of JSON, and their type. */
  upload?: { bytes: Blob | Uint8Array<ArrayBuffer>; type: string };
  /** An idempotency key: under it, the call may be sent again when no answer came. */
  key?: string | undefined;
  /** Overrides the contract's: whether the call may be sent again when no answer came. */
  repeatable?: boolean;
}

type Documented<A extends Answers> = {
  [S in keyof A]: A[S] extends { type: string }
    ? Uint8Array
    : A[S] extends { schema: infer T extends Schema }
      ? z.output<T>
      : never;
}[keyof A];
/** A successful answer, parsed: one of those that the contract documents. Another type than JSON comes as bytes. */
export type Answered<A extends Answers> = [Documented<A>] extends [never] ? undefined : Documented<A>;

/** The start of an answer that is read as it comes. */
export interface Opening extends Pick<Filled, "params" | "query"> {
  contract: Contract;
  headers?: Record<string, string>;
}

export interface Transport {
  /** The relay's address, without a slash at the end. */
  readonly base: string;
  /** Rejects with `RelayProblem`, `RelayUnreachable`, `RelayMismatch`, or the reason of the call's signal. */
  exchange<A extends Answers>(
    contract: Contract<Schema | undefined, Schema | undefined, Schema | undefined, A>,
    filled: Filled,
    call?: Call,
  ): Promise<{ value: Answered<A>; headers: Headers }>;
  /** Rejects as `exchange` does, but that the signal's reason may come wrapped. */
  open(opening: Opening, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

export interface TransportOptions {
  url: string;
  token?: string;
  instanceId?: string;
  fetch: Fetch;
  timing: Timing;
}

const TIMEOUT_MS = 30_000;
const RETRIES = 4;
/** Asked to wait longer than this, a call says so instead of sitting there. */
const LONGEST_PATIENCE_MS = 60_000;
/** 502 and 504 are a proxy's way of saying that the relay is starting. */
const TRY_AGAIN = [429, 502, 503, 504];

export function createTransport(options: TransportOptions): Transport {
  const { timing } = options;
  const base = options.url.replace(/\/+$/, "");
  const common: Record<string, string> = {};
  if (options.token) common.authorization = `Bearer ${options.token}`;
  if (options.instanceId) common["signalbox-instance"] = options.instanceId;

  function requestOf({ method }: Contract, { upload, body, key }: Filled): RequestInit {
    const headers = { ...common, ...(key !== undefined && { "idempotency-key": key }) };
    // The relay never redirects. Following one would send a POST on as a GET, and the token to who knows whom.
    const init: RequestInit = { method, headers, redirect: "error" };
    if (upload) return { ...init, headers: { ...headers, "content-type": upload.type }, body: upload.bytes };
    if (body === undefined) return init;
    return { ...init, headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
  }

  /** One try, within its time. */
  async function attempt<A extends Answers>(contract: Contract, filled: Filled, call: Call) {
    const path = pathOf(contract, filled);
    const request = requestOf(contract, filled);
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
      throw link.signal.aborted ? late : meant(error, base);
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
        throw meant(error, base);
      });
      if (!response.ok) throw problemFrom(response, await jsonOf(response).catch(() => undefined));
      if (response.body && response.headers.get("content-type")?.startsWith("text/event-stream")) return response.body;
      throw new RelayMismatch(`${base}${path} is not a stream`);
    },
  };
}

function worthRepeating(error: unknown): boolean {
  if (error instanceof RelayUnreachable) return true;
  return (
    error instanceof RelayProblem &&
    TRY_AGAIN.includes(error.status) &&
    // A person has to see to that.
    error.code !== "loop-paused" &&
    retryAfterOf(error) <= LONGEST_PATIENCE_MS
  );
}

async function read(response: Response, { method, answers }: Contract, path: string): Promise<unknown> {
  const answer = answers[response.status];
  const isBytes = response.ok && answer?.type !== undefined;
  const body = isBytes ? new Uint8Array(await response.arrayBuffer()) : await jsonOf(response);
  if (!response.ok) throw problemFrom(response, body);
  // A success that the contract does not know is read as the first that it does.
  const schema = (answer ?? Object.values(answers)[0])?.schema;
  if (isBytes) return body;
  if (!schema) return undefined;
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue ? `${issue.path.join("/")}: ${issue.message}` : "";
  throw new RelayMismatch(`The answer to ${method} ${path} is not the relay's (${place})`);
}

/** The body as JSON; undefined when there is none or it is something else. A body that is cut off rejects. */
async function jsonOf(response: Response): Promise<unknown> {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** What `fetch` throws says little and differs by runtime: its cause says why. */
export function meant(error: unknown, base: string): unknown {
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

/** Parts of a path are encoded: channel agents' ids have a colon. */
const pathOf = ({ path }: Contract, { params = {} }: Filled): string =>
  path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? ""));

function queryOf({ query = {} }: Filled): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

/** How long the relay itself may take its time, in seconds. */
function waitOf({ query, body }: Filled): number {
  const { waitSeconds } = { ...query, ...(body as { waitSeconds?: number } | undefined) };
  return Number(waitSeconds ?? 0);
}
