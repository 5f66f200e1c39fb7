import { z } from "zod";
import { PROBLEMS, type ProblemCode } from "./problem-codes.ts";
import { NAMED, object } from "./shape.ts";

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
