import type { Call } from "../../identity/auth/route.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ByeReason } from "../../kernel/log/connections.ts";
import type { Encoded, Outlet } from "../../kernel/log/outlet.ts";
import { createViewers } from "../../kernel/log/viewers.ts";
import { Problem } from "../../protocol/problem.ts";

/** Most open streams of one token: a client has one for each task that it follows. */
const MAX_STREAMS = 64;

/** One stream to open. */
export interface StreamRequest extends Pick<Call<unknown, unknown, unknown>, "caller" | "headers" | "peer"> {
  events: AsyncGenerator<Encoded, void>;
  /** Aborted at the end of the stream. */
  leaving: AbortController;
  /** An error as an event of the stream. */
  failed(error: unknown): Encoded;
}

const ENDED: Partial<Record<ByeReason, Problem>> = {
  revoked: new Problem("unauthorized", "The token was revoked."),
  superseded: new Problem("superseded", "A newer instance of this agent has taken over."),
  restarting: new Problem("stopping", "The relay is stopping. Nothing is lost: subscribe again."),
};

export type Streams = ReturnType<typeof createStreams>;

/** Open streams on tasks, at the pace of the client. */
export function createStreams({ connections, onError }: Kernel) {
  const viewers = createViewers(connections, MAX_STREAMS);

  /** Sends events no faster than the client takes them. */
  async function pump({ events, failed, leaving }: StreamRequest, outlet: Outlet) {
    let wake: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => leaving.signal.addEventListener("abort", () => resolve()));
    outlet.onDrain = () => wake();
    try {
      for (let next = await events.next(); !next.done && !leaving.signal.aborted; next = await events.next()) {
        outlet.send(next.value);
        if (!outlet.ready()) await Promise.race([ended, new Promise<void>((resolve) => (wake = resolve))]);
      }
      outlet.close();
    } catch (error) {
      if (!(error instanceof Problem)) onError(error);
      outlet.close(failed(error));
    }
  }

  return {
    size: viewers.size,

    /** The answer; an error before the first event is thrown. @throws Problem 429 */
    async answer(request: StreamRequest): Promise<Response> {
      const { events, leaving, failed } = request;
      viewers.check(request.caller.tokenId);
      const first = await events.next();
      const view = viewers.open({
        ...request,
        last(reason) {
          const why = ENDED[reason];
          return why && failed(why);
        },
      });
      view.onEnded = () => {
        leaving.abort();
        // A wait inside the generator ends with `leaving`; then this return completes.
        void events.return();
      };
      if (!first.done) view.outlet.send(first.value);
      void pump(request, view.outlet);
      return view.response;
    },
  };
}
