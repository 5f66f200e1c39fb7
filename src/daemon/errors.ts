import { HarnessError } from "../harness/errors.ts";

/** A daemon that cannot start or go on, or refuses a command, with a sentence that says what to do. */
export class DaemonError extends HarnessError {
  override readonly name = "DaemonError";

  constructor(message: string) {
    super("problem", message);
  }
}

/** A daemon that ended because a newer one of the same orchestrator has registered. */
export class Superseded extends DaemonError {}
