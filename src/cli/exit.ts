import { NoAgent, RelayMismatch, RelayProblem, RelayUnreachable } from "../client/errors.ts";
import { HarnessError } from "../harness/errors.ts";
import { systemReason } from "../harness/system-errors.ts";

/** Exit codes of the program. */
export const EXIT = { ok: 0, problem: 1, usage: 2, unreachable: 3, nothing: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit codes: 0 done, 1 the relay answered with a problem, 2 wrong usage, 3 the relay cannot be reached,
4 nothing there (no work to claim, a lease that is not held).`;

/** Ends the program with a message and an exit code. */
export class Stop extends Error {
  override readonly name = "Stop";

  constructor(
    readonly code: ExitCode,
    message: string,
  ) {
    super(message);
  }
}

/** Name of an error in the output of `--json`: for failures of this program a word of EXIT. */
export function nameOf(error: Error): string {
  if (error instanceof HarnessError) return error.reason;
  if (error instanceof Stop) return Object.entries(EXIT).find(([, code]) => code === error.code)?.[0] ?? "";
  return error.name;
}

/** Error that commander has printed. Known by its code: the daemon reads no command line and loads no commander. */
export const isCommanders = (error: unknown): error is Error & { exitCode: number } =>
  error instanceof Error && "code" in error && String(error.code).startsWith("commander.");

/** Exit code of a failed command. Bugs have none: they are thrown on, with their stack. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Stop) return error.code;
  if (error instanceof HarnessError) return EXIT[error.reason];
  if (isCommanders(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof NoAgent) return EXIT.usage;
  if (error instanceof RelayProblem && error.code === "claim-lost") return EXIT.nothing;
  if (error instanceof RelayProblem || systemReason(error)) return EXIT.problem;
  if (error instanceof RelayUnreachable || error instanceof RelayMismatch) return EXIT.unreachable;
  throw error;
}
