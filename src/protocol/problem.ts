import { z } from "zod";
import { NAMED, object } from "./shape.ts";

/** Every `code` a problem answer can carry, with the HTTP status it is sent with and its title. */
export const PROBLEMS = {
  "not-json": [400, "The body is not JSON"],
  "bad-request": [400, "The request cannot be read"],
  unauthorized: [401, "A valid token is needed"],
  forbidden: [403, "This token may not do that"],
  "not-a-target": [403, "The message is not for this agent"],
  "group-not-allowed": [403, "This token may not join that group"],
  "not-found": [404, "There is no such thing here"],
  "method-not-allowed": [405, "The path does not take this method"],
  conflict: [409, "That clashes with what is there"],
  superseded: [409, "A newer instance of this agent has taken over"],
  "version-mismatch": [409, "These versions do not go together"],
  "unknown-instance": [409, "This instance was never registered"],
  deleted: [409, "That id was deleted, and stays taken"],
  "already-claimed": [409, "Somebody else holds this work"],
  "claim-lost": [409, "The lease has ended"],
  "not-open": [409, "The work is not open"],
  "already-running": [409, "Another run of this session is running"],
  held: [409, "A hold stands over this"],
  "budget-exceeded": [409, "Too many are open"],
  gone: [410, "It was here and is gone"],
  "too-large": [413, "The body is too large"],
  "unsupported-media-type": [415, "The content type is not accepted here"],
  invalid: [422, "A field is not acceptable"],
  "unknown-target": [422, "Nobody goes by that name"],
  "reserved-kind": [422, "The relay alone writes messages of that kind"],
  reserved: [422, "The relay alone writes that member"],
  "required-result": [422, "A result is owed"],
  "no-conversation": [422, "It does not say which conversation of the channel it is for"],
  "not-claimable": [422, "This message cannot be claimed"],
  "too-deep": [422, "The chain of delegations is too long"],
  cycle: [422, "The chain of delegations would come back to somebody in it"],
  "idempotency-mismatch": [422, "The idempotency key was used with other content"],
  "ahead-of-log": [422, "That place in the log does not exist yet"],
  "upgrade-required": [426, "This path is a WebSocket"],
  "quota-exceeded": [429, "The agent has made as much as it may in one day"],
  "rate-limited": [429, "Too many requests"],
  "too-many-streams": [429, "Too many open streams, or calls that wait"],
  "loop-paused": [429, "Agents have answered each other for too long"],
  internal: [500, "Internal error"],
  "storage-unavailable": [503, "The write could not be stored"],
  overloaded: [503, "Too many writes are waiting"],
  stopping: [503, "The relay is stopping"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

const codes = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

/** One thing wrong with one place of the request. `pointer` is a JSON pointer (RFC 6901) into the body, or a parameter's name. */
export const FieldError = z.object({ pointer: z.string(), message: z.string() });
export type FieldError = z.infer<typeof FieldError>;

/** The body of every answer that is not a success: `application/problem+json`, RFC 9457. */
export const ProblemBody = object(() => ({
  type: z.string().describe("urn:signalbox:problem:<code>"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(codes),
  requestId: z.string(),
  errors: z.array(FieldError).optional().describe("With 422: each place and what is wrong with it."),
  suggestions: z.array(z.string()).optional().describe("With unknown-target: the nearest names."),
  runId: z.string().optional().describe("With already-running: the run that runs."),
  holdId: z.string().optional().describe("With held: the hold that stands."),
  claimedBy: z.string().optional().describe("With already-claimed: who holds the work."),
  expiresAt: z.string().optional().describe("With already-claimed: when that lease ends."),
}))
  .describe("What went wrong, for programs (`code`) and for people (`detail`).")
  .register(NAMED, { id: "Problem" });
export type ProblemBody = z.infer<typeof ProblemBody>;

/** In place of the answer to one item, where items are answered each by itself. */
export const RefusedItem = object(() => ({
  problem: ProblemBody,
  retryAfterSeconds: z.number().optional().describe("Wait before this item is worth another try."),
}))
  .describe("One item that was refused, as it would have been alone; pointers begin at the item.")
  .register(NAMED, { id: "RefusedItem" });

/** Details of a problem beside its code and text. `retryAfterSeconds` becomes the `Retry-After` header. */
export interface ProblemExtras {
  errors?: FieldError[];
  suggestions?: string[];
  runId?: string;
  holdId?: string;
  claimedBy?: string;
  expiresAt?: string;
  retryAfterSeconds?: number;
}

/** The one error whose text reaches a caller. Anything else that is thrown is "Internal error" outside and whole in the log. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(detail);
    this.status = PROBLEMS[code][0];
  }

  /** A 422 that names one place. */
  static invalid(pointer: string, message: string): Problem {
    return new Problem("invalid", `${pointer || "The body"}: ${message}`, { errors: [{ pointer, message }] });
  }

  /** Ends the search for something by its id, as in `row ?? Problem.missing("pair", id)`. @throws Problem 404 */
  static missing(noun: string, id: string): never {
    throw new Problem("not-found", `There is no ${noun} ${id}.`);
  }

  /** Ends a request whose idempotency key belongs to another one. @throws Problem 422 */
  static keyReused(key: string): never {
    throw new Problem("idempotency-mismatch", `${key} was used before, with other content.`);
  }

  /** This problem, about a part that stands at `pointer` in the body. */
  under(pointer: string): Problem {
    const errors = (this.extras.errors ?? [{ pointer: "", message: this.message }]).map((error) => ({
      ...error,
      pointer: `${pointer}${error.pointer}`,
    }));
    return new Problem(this.code, `${pointer}: ${this.message}`, { ...this.extras, errors });
  }

  body(requestId: string): ProblemBody {
    const { retryAfterSeconds: _, ...extras } = this.extras;
    return {
      type: `urn:signalbox:problem:${this.code}`,
      title: PROBLEMS[this.code][1],
      status: this.status,
      detail: this.message,
      code: this.code,
      requestId,
      ...extras,
    };
  }
}
