import type { Caller } from "../../identity/auth/caller.ts";
import type { Peer } from "../../kernel/log/peers.ts";

/** One HTTP request of a client. */
export interface HttpRequest {
  caller: Caller;
  request: Request;
  /** The other end of the connection. */
  peer(): Peer | undefined;
  /** @throws Problem 401 when the caller's token has ended */
  checkStill(): void;
  /** Headers of every answer. */
  headers: Record<string, string>;
}
