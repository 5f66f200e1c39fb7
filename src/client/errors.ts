import { PROBLEMS, ProblemBody, type ProblemCode } from "../protocol/problem.ts";
import type { Fail } from "../protocol/work.ts";

/** The relay answered, and the answer is a problem. `code` is for programs, `message` (the problem's detail) for people. */
export class RelayProblem extends Error {
  override readonly name = "RelayProblem";

  constructor(
    readonly body: ProblemBody,
    /** How long the relay asked to be left alone. */
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

/** No whole answer came: refused, reset, timed out, cut off. Whether a write was carried out is not known. */
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

/** An answer came that is not the relay's: another program at that address, or another version of the contract. */
export class RelayMismatch extends Error {
  override readonly name = "RelayMismatch";
}

/** Nobody said which agent to act for, and the token is no agent's. */
export class NoAgent extends Error {
  override readonly name = "NoAgent";
}

/** Thrown by a handler of `work` to give the item back: the attempt does not count. */
export class Release extends Error {
  override readonly name = "Release";

  constructor(
    reason = "given back by the handler",
    /** How long it stays away from everybody, in seconds. */
    readonly delaySeconds?: number,
  ) {
    super(reason);
  }
}

/** Thrown by a handler of `work` that knows more of its failure than the text: when to try again, or never, and of what kind it is. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(
    message: string,
    readonly how: Pick<Fail, "retryAfterSeconds" | "final" | "failure" | "code"> = {},
  ) {
    super(message);
  }
}

/** Whether waiting and trying again can help. Everything else is final: superseded, 401, 403, a bad request. */
export function mayPass(error: unknown): boolean {
  if (error instanceof RelayUnreachable) return true;
  if (!(error instanceof RelayProblem)) return false;
  return error.status === 408 || error.status === 429 || error.status >= 500;
}

/** The relay takes nothing more from this client in the agent's name. */
export const endsAgent = (error: unknown): boolean =>
  error instanceof RelayProblem && (error.code === "superseded" || error.status === 401);

/** How long, in milliseconds, the relay asked to be left alone; 0 when it did not. */
export const retryAfterOf = (error: unknown): number => (error instanceof RelayProblem ? (error.retryAfterMs ?? 0) : 0);

/** A problem that the client states itself, for what the relay says in another way (a `bye`). */
export function problemOf(code: ProblemCode, detail: string): RelayProblem {
  const [status, title] = PROBLEMS[code];
  return new RelayProblem({ type: `urn:signalbox:problem:${code}`, title, status, detail, code, requestId: "" });
}

/** A newer relay may know codes that this client does not; what else the problem says still counts. */
const ForeignProblem = ProblemBody.partial().extend({ code: ProblemBody.shape.code.optional().catch(undefined) });

/** Any answer that is not a success, as a problem: also one of a proxy that is no problem document. */
export function problemFrom(response: Response, body: unknown): RelayProblem {
  const said = ForeignProblem.safeParse(body);
  const { status } = response;
  const plain: ProblemBody = {
    type: "about:blank",
    title: response.statusText || `HTTP ${status}`,
    status,
    detail: `The answer was HTTP ${status}, without saying why.`,
    code: codeFor(status),
    requestId: response.headers.get("x-request-id") ?? "",
  };
  const stated = said.success ? Object.entries(said.data).filter(([, value]) => value !== undefined) : [];
  return new RelayProblem({ ...plain, ...Object.fromEntries(stated), status }, retryAfterMs(response.headers));
}

function codeFor(status: number): ProblemCode {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  return codes.find((code) => PROBLEMS[code][0] === status) ?? (status >= 500 ? "internal" : "bad-request");
}

/** `Retry-After` as milliseconds. A date is held against the answer's own `Date`, so that no clock of ours matters. */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const wait = Date.parse(value) - Date.parse(headers.get("date") ?? "");
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}
