/** `usage`: the caller asked for something impossible. `problem`: a file, a command or the relay refused. */
export type HarnessReason = "usage" | "problem";

/** A failure that the caller can explain to a person: `message` says what was expected and what to do. */
export class HarnessError extends Error {
  override readonly name: string = "HarnessError";

  constructor(
    readonly reason: HarnessReason,
    message: string,
  ) {
    super(message);
  }
}
