import { HarnessError } from "../errors.ts";

/** No session has that native id, in that folder and home. */
export class SessionMissing extends HarnessError {
  override readonly name = "SessionMissing";

  constructor(message: string) {
    super("problem", message);
  }
}

/** Another process has the session open. */
export class SessionBusy extends HarnessError {
  override readonly name = "SessionBusy";

  constructor(message: string) {
    super("problem", message);
  }
}
