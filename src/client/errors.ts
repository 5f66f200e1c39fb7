import type { ProblemBody } from "../protocol/problem.ts";
import { PROBLEMS, type ProblemCode } from "../protocol/problem-codes.ts";
import type { RunErrorCode } from "../protocol/runs.ts";
import type { Fail } from "../protocol/work.ts";

/** Refusal by the relay. `code` is for programs, `message` (the problem's detail) for people. */
export class RelayProblem extends Error {
  override readonly name = "RelayProblem";

  constructor(
    readonly body: ProblemBody,
    /** Wait that the relay asked for. */
    readonly retryAfterMs?: number,
  ) {
    super(body.detail);
  }

  get code(): ProblemCode {
    return this.body.code;
  }

  get status(): number {
    return this.body.status;
  }
}

/** No complete answer: refused, reset, timed out, cut off. A write may have happened or not. */
export class RelayUnreachable extends Error {
  override readonly name = "RelayUnreachable";

  constructor(
    readonly url: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${url} does not answer: ${reason}`, options);
  }
}

/** Answer that is not the relay's: from another program at that address, or of another version of the contract. */
export class RelayMismatch extends Error {
  override readonly name = "RelayMismatch";
}

/** No agent to act for: none was named, and the token belongs to no agent. */
export class NoAgent extends Error {
  override readonly name = "NoAgent";
}

/** Thrown by a handler of `work` to release the item: the attempt does not count. */
export class Release extends Error {
  override readonly name = "Release";

  constructor(
    reason = "released by the handler",
    /** Seconds until the item can be claimed again. */
    readonly delaySeconds?: number,
  ) {
    super(reason);
  }
}

/** Thrown by a handler of `work` to fail the item with details: its kind, and when to retry, or never. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(
    message: string,
    readonly how: Pick<Fail, "retryAfterSeconds" | "final" | "failure" | "code"> = {},
  ) {
    super(message);
  }
}

/** Reason of a run's signal: somebody asked the run to stop, or the relay ended its turn. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
}

/** Thrown by a handler of `runs.serve` to end the run with an error of this kind. */
export class RunFailure extends Error {
  override readonly name = "RunFailure";

  constructor(
    readonly code: RunErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Whether a retry can help. Everything else is final: superseded, 401, 403, a bad request. */
export function mayPass(error: unknown): boolean {
  if (error instanceof RelayUnreachable) return true;
  if (!(error instanceof RelayProblem)) return false;
  return error.status === 408 || error.status === 429 || error.status >= 500;
}

/** Whether the relay accepts no more calls of this client for the agent. */
export const endsAgent = (error: unknown): boolean =>
  error instanceof RelayProblem && (error.code === "superseded" || error.status === 401);

/** Wait in milliseconds that the relay asked for; 0 without one. */
export const retryAfterOf = (error: unknown): number => (error instanceof RelayProblem ? (error.retryAfterMs ?? 0) : 0);

/** Problem made by the client, for something that the relay tells in another way (a `bye`). */
export function problemOf(code: ProblemCode, detail: string): RelayProblem {
  const [status, title] = PROBLEMS[code];
  return new RelayProblem({ type: `urn:signalbox:problem:${code}`, title, status, detail, code, requestId: "" });
}

/** Problem for an answer that is not a success, also for one of a proxy without a problem document. */
export function problemFrom({ status, statusText, headers }: Response, body: unknown): RelayProblem {
  const requestId = headers.get("x-request-id") ?? "";
  return stated({ status, title: statusText, requestId }, body, retryAfterMs(headers));
}

/** Problem that stands in place of an item's answer. */
export function problemOfItem(item: { problem: { status: number }; retryAfterSeconds?: number | undefined }) {
  const { problem, retryAfterSeconds } = item;
  const ms = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000;
  return stated({ status: problem.status, title: "", requestId: "" }, problem, ms);
}

function stated(
  { status, title, requestId }: Pick<ProblemBody, "status" | "title" | "requestId">,
  body: unknown,
  retryAfterMs: number | undefined,
): RelayProblem {
  const plain: ProblemBody = {
    type: "about:blank",
    title: title || `HTTP ${status}`,
    status,
    detail: `The answer was HTTP ${status}, without saying why.`,
    code: codeFor(status),
    requestId,
  };
  return new RelayProblem({ ...plain, ...soundMembers(body), status }, retryAfterMs);
}

const isText = (value: unknown): value is string => typeof value === "string";
const isFault = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "pointer" in value && "message" in value;
const isListOf = (isOne: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(isOne);

/** Members of a problem, and whether a value is one. By hand: browsers load this file without zod. */
const SOUND: { [M in keyof Omit<ProblemBody, "status">]-?: (value: unknown) => boolean } = {
  ...{ type: isText, title: isText, detail: isText, requestId: isText, claimedBy: isText, expiresAt: isText },
  ...{ runId: isText, holdId: isText, suggestions: isListOf(isText), errors: isListOf(isFault) },
  code: (value) => isText(value) && Object.hasOwn(PROBLEMS, value),
};

/** The sound part of a problem, which a proxy or a newer relay may have written: its code may not be known here. */
function soundMembers(body: unknown): Partial<ProblemBody> {
  if (typeof body !== "object" || body === null) return {};
  const isSound = ([name, value]: [string, unknown]) => SOUND[name as keyof typeof SOUND]?.(value) === true;
  return Object.fromEntries(Object.entries(body).filter(isSound));
}

function codeFor(status: number): ProblemCode {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  return codes.find((code) => PROBLEMS[code][0] === status) ?? (status >= 500 ? "internal" : "bad-request");
}

/** `Retry-After` in milliseconds. A date is compared with the answer's own `Date`, not with our clock. */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const wait = Date.parse(value) - Date.parse(headers.get("date") ?? "");
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}
