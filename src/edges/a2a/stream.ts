import type { Call } from "../../identity/auth/route.ts";
import { createSse } from "../../kernel/http/sse.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ByeReason } from "../../kernel/log/connections.ts";
import type { Encoded } from "../../kernel/log/outlet.ts";
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

/** Open streams on tasks: kept alive, closed with their token, at the pace of the client. */
export function createStreams({ connections, onError }: Kernel) {
  const open = new Map<string, number>();

  function count(tokenId: string, by: number): void {
    const now = (open.get(tokenId) ?? 0) + by;
    if (now > 0) open.set(tokenId, now);
    else open.delete(tokenId);
  }

  /** Sends events no faster than the client takes them. */
  async function pump({ events, failed, leaving }: StreamRequest, outlet: ReturnType<typeof createSse>["outlet"]) {
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
    size: (): number => [...open.values()].reduce((sum, some) => sum + some, 0),

    /** The answer; an error before the first event is thrown. @throws Problem 429 */
    async answer(request: StreamRequest): Promise<Response> {
      const { caller, headers, peer, events, leaving, failed } = request;
      if ((open.get(caller.tokenId) ?? 0) >= MAX_STREAMS)
        throw new Problem("too-many-streams", `This token has ${MAX_STREAMS} streams open already.`, {
          retryAfterSeconds: 5,
        });
      const first = await events.next();
      const { outlet, response } = createSse({ headers, peer });
      const leave = connections.add({
        ...{ id: connections.newId(), agentId: caller.agentId, countsFor: null, outlet, isForeign: true },
        ...{ instanceId: caller.instanceId, tokenId: caller.tokenId },
        close(reason) {
          const why = ENDED[reason];
          outlet.close(why && failed(why));
        },
      });
      count(caller.tokenId, 1);
      outlet.onClosed = () => {
        leave();
        count(caller.tokenId, -1);
        leaving.abort();
        // A wait inside the generator ends with `leaving`; then this return completes.
        void events.return();
      };
      if (!first.done) outlet.send(first.value);
      void pump(request, outlet);
      return response;
    },
  };
}
