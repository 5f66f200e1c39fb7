import { linkedAbort } from "../client/abort.ts";
import { createBackoff } from "../client/backoff.ts";
import { RelayMismatch, RelayProblem } from "../client/errors.ts";
import { faultOf, type Inbox, PlatformFault } from "./contract.ts";
import type { Readiness } from "./readiness.ts";
import type { Session } from "./session.ts";

const LONGEST_WAIT_MS = 60_000;
/** Factor by which the canary is faster while something is wrong. */
const SOONER = 4;

/** Reads the platform for ever, and renews a connection that lets no events through. */
export function createReader(session: Session, readiness: Readiness, deliver: Inbox["deliver"]) {
  const { platform, channelId, timing, probeMs, onEvent } = session;
  /** Ends the current connection; the next one follows at once. */
  let renew: (fault: PlatformFault) => void = () => undefined;

  async function once(signal: AbortSignal, onUp: () => void): Promise<void> {
    const link = linkedAbort(signal);
    renew = link.abort;
    const inbox: Inbox = {
      deliver,
      listening() {
        onUp();
        readiness.listening();
      },
      note: (text) => onEvent({ type: "note", channelId, text }),
    };
    try {
      await platform.read(inbox, link.signal);
    } finally {
      link.dispose();
    }
  }

  return {
    /** Reads for ever. @throws the signal's reason, a refusal of the relay, or a permanent `PlatformFault` */
    async read(signal: AbortSignal): Promise<never> {
      const backoff = createBackoff(timing, { maxMs: LONGEST_WAIT_MS });
      for (;;) {
        try {
          await once(signal, backoff.up);
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof RelayProblem || error instanceof RelayMismatch) throw error;
          const { failure, code, message: reason, retryAfterSeconds = 0 } = faultOf(error);
          if (failure === "permanent") throw error;
          const inMs = Math.round(backoff.delay(retryAfterSeconds * 1000));
          readiness.notListening(reason);
          onEvent({ type: "reading-failed", channelId, code, reason, inMs });
          await timing.sleep(inMs, signal);
        }
      }
    },

    /** The canary: asks the platform whether events reach us, and renews the connection if not. It ends by rejecting, as `read` does. */
    async watch(signal: AbortSignal): Promise<never> {
      let unanswered = 0;
      for (;;) {
        await timing.sleep(readiness.ready ? probeMs : probeMs / SOONER, signal);
        try {
          const reason = await platform.probe(signal);
          unanswered = 0;
          readiness.probed(reason);
          if (reason !== null) renew(new PlatformFault("transient", "deaf", reason));
        } catch (error) {
          signal.throwIfAborted();
          const fault = faultOf(error);
          if (fault.failure === "permanent") throw fault;
          // One unanswered question may be the network's fault; two in a row count.
          if (++unanswered > 1) readiness.probed(fault.message);
        }
      }
    },
  };
}
