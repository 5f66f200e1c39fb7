import {
  A2AError,
  ContentTypeNotSupportedError,
  RequestMalformedError,
  restStatusFor,
  TaskNotCancelableError,
  TaskNotFoundError,
  toJsonRpcError,
  toRestErrorBody,
  UnsupportedOperationError,
} from "@a2a-js/sdk/errors";
import type { Dialect } from "../../identity/auth/route.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ProblemCode } from "../../protocol/problem-codes.ts";

type Semantic = new (message: string) => A2AError;

/** The protocol's own word for a problem, where it has one. */
const SEMANTIC: Partial<Record<ProblemCode, Semantic>> = {
  "not-found": TaskNotFoundError,
  gone: TaskNotFoundError,
  "bad-request": RequestMalformedError,
  "not-json": RequestMalformedError,
  invalid: RequestMalformedError,
  "unknown-target": RequestMalformedError,
  "idempotency-mismatch": RequestMalformedError,
  "unsupported-media-type": ContentTypeNotSupportedError,
  "not-open": UnsupportedOperationError,
  "budget-exceeded": UnsupportedOperationError,
  "too-deep": UnsupportedOperationError,
  cycle: UnsupportedOperationError,
};

const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
/** JSON-RPC 2.0: an error of the server's own, which the protocol has no code for. */
const OWN_ERROR = -32_000;
const PARSE_ERROR = -32_700;
const INTERNAL_ERROR = -32_603;

/** google.rpc.Code by HTTP status. */
const STATUS_NAMES: Record<number, string> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  413: "INVALID_ARGUMENT",
  422: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  503: "UNAVAILABLE",
};

/** The protocol's error for an error of the relay; undefined where there is none. */
function semanticOf(error: unknown): A2AError | undefined {
  if (error instanceof A2AError) return error;
  const Class = error instanceof Problem ? SEMANTIC[error.code] : undefined;
  return Class && error instanceof Problem ? new Class(sentence(error)) : undefined;
}

function sentence({ message, extras: { suggestions } }: Problem): string {
  return suggestions?.length ? `${message} Did you mean ${suggestions.join(", ")}?` : message;
}

const infoOf = (code: ProblemCode) => ({
  "@type": ERROR_INFO,
  reason: code.toUpperCase().replaceAll("-", "_"),
  domain: "signalbox",
});

/** The `error` of a JSON-RPC answer. */
export function rpcErrorOf(error: unknown): { code: number; message: string; data?: unknown[] } {
  if (error instanceof Problem && error.code === "not-json") return { code: PARSE_ERROR, message: error.message };
  const semantic = semanticOf(error);
  if (semantic) return toJsonRpcError(semantic);
  if (!(error instanceof Problem)) return { code: INTERNAL_ERROR, message: INTERNAL };
  const code = error.code === "internal" ? INTERNAL_ERROR : OWN_ERROR;
  return { code, message: sentence(error), data: [infoOf(error.code)] };
}

/** The status and body (google.rpc.Status) of an HTTP+JSON answer. */
export function restErrorOf(error: unknown): { status: number; body: unknown } {
  const semantic = semanticOf(error);
  if (semantic) {
    const status = restStatusFor(semantic);
    return { status, body: toRestErrorBody(semantic, status) };
  }
  const problem = error instanceof Problem ? error : new Problem("internal", INTERNAL);
  const { status } = problem;
  const name = STATUS_NAMES[status] ?? "INTERNAL";
  const details = [infoOf(problem.code)];
  return { status, body: { error: { code: status, status: name, message: sentence(problem), details } } };
}

const INTERNAL = "Something went wrong here; it was logged.";

/** Tells whether the HTTP status reports it too: caller, rights, rate, size and state of the relay. Other errors of a call get 200. */
export const isTransport = (error: unknown): error is Problem =>
  error instanceof Problem && [401, 403, 413, 429, 500, 503].includes(error.status);

export const RPC: Dialect = {
  types: ["application/a2a+json"],
  refusal: (problem) => ({
    status: isTransport(problem) ? problem.status : 200,
    type: "application/json",
    body: { jsonrpc: "2.0", id: null, error: rpcErrorOf(problem) },
  }),
};

export const REST_TYPE = "application/a2a+json";

export const REST: Dialect = {
  types: [REST_TYPE],
  refusal(problem) {
    const { status, body } = restErrorOf(problem);
    return { status, type: REST_TYPE, body };
  },
};

/** Error about one task. Callers that may not see the task learn nothing of it. */
export function asTaskError(error: unknown, id: string): unknown {
  if (error instanceof Problem && ["forbidden", "not-found", "invalid"].includes(error.code))
    return new TaskNotFoundError(`Task not found: ${id.slice(0, 100)}`);
  return error;
}

/** Error of a cancellation. A task that is over cannot be cancelled. */
export const asCancelError = (error: unknown, id: string): unknown =>
  error instanceof Problem && error.code === "not-open"
    ? new TaskNotCancelableError(`Task ${id} is over: ${error.message}`)
    : asTaskError(error, id);
