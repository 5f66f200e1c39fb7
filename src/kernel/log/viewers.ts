import { Problem } from "../../protocol/problem.ts";
import { createSse } from "../http/sse.ts";
import type { ByeReason, Connections } from "./connections.ts";
import type { Encoded, Outlet } from "./outlet.ts";
import type { Peer } from "./peers.ts";
import type { Entry } from "./tail.ts";

/** One stream to open for a viewer. */
interface ViewRequest {
  caller: { agentId: string | null; instanceId: string | null; tokenId: string };
  /** Headers of the answer. */
  headers: Record<string, string>;
  peer(): Peer | undefined;
  /** Where it goes; a stream of its own when missing. */
  outlet?: Outlet | undefined;
  /** Last event of a stream that the relay closes. */
  last(reason: ByeReason): Encoded | undefined;
}

/** An open stream. */
export interface View<E extends Entry> {
  outlet: Outlet<E>;
  /** Answer that carries it; empty where the caller gave an outlet. */
  response: Response;
  /** Called once, when the stream has ended. */
  onEnded: () => void;
}

/**
 * Event streams about something else than the viewer's own inbox: they take no place of any agent, and are bounded for each
 * token. @param max open streams of one token
 */
export function createViewers(connections: Connections, max: number) {
  const open = new Map<string, number>();

  function count(tokenId: string, by: number): void {
    const now = (open.get(tokenId) ?? 0) + by;
    if (now > 0) open.set(tokenId, now);
    else open.delete(tokenId);
  }

  /** @throws Problem 429 */
  function check(tokenId: string): void {
    if ((open.get(tokenId) ?? 0) >= max)
      throw new Problem("too-many-streams", `This token has ${max} streams open already.`, { retryAfterSeconds: 5 });
  }

  return {
    check,
    /** Open streams of all tokens. */
    size: (): number => [...open.values()].reduce((sum, some) => sum + some, 0),

    /** Opens a stream. @throws Problem 429 */
    open<E extends Entry>({ caller, headers, peer, last, outlet: own }: ViewRequest): View<E> {
      check(caller.tokenId);
      const { outlet, response } = own ? { outlet: own, response: new Response() } : createSse({ headers, peer });
      const leave = connections.add({
        ...{ id: connections.newId(), agentId: caller.agentId, countsFor: null, outlet, isForeign: true },
        ...{ instanceId: caller.instanceId, tokenId: caller.tokenId },
        close: (reason) => outlet.close(last(reason)),
      });
      const view: View<E> = { outlet, response, onEnded: () => undefined };
      count(caller.tokenId, 1);
      outlet.onClosed = () => {
        leave();
        count(caller.tokenId, -1);
        view.onEnded();
      };
      return view;
    },
  };
}
