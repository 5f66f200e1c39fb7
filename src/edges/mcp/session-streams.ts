import type { Areas } from "../../core/core.ts";
import { createSse } from "../../kernel/http/sse.ts";
import type { AgentCaller, HttpRequest } from "./services.ts";
import type { McpSessions, SessionStream } from "./sessions.ts";
import { createUpdates, updated } from "./updates.ts";

/** Streams of sessions of the older revision, with notices about their subscriptions. */
export function createSessionStreams({ kernel, core }: Areas, { live }: McpSessions) {
  const { inbox, streams } = core.inbox;

  return {
    /** @throws Problem 503 */
    async open(
      caller: AgentCaller,
      session: { id: string; subscriptions: readonly string[] },
      incoming: Pick<HttpRequest, "headers" | "peer">,
    ): Promise<Response> {
      const { outlet: sse, response } = createSse(incoming);
      const outlet = createUpdates({
        wanted: () => own.wanted,
        tell: (uri) => sse.send(updated(uri)),
        ready: sse.ready,
        moves: sse.moves,
        peer: sse.peer,
        keepAlive: sse.keepAlive,
        end() {
          siblings.delete(own);
          if (siblings.size === 0) live.delete(session.id);
          sse.close();
        },
      });
      const own: SessionStream = { wanted: new Set(session.subscriptions), outlet };
      const siblings = live.get(session.id) ?? new Set();
      live.set(session.id, siblings.add(own));
      sse.onDrain = () => outlet.onDrain();
      sse.onClosed = () => outlet.close();
      try {
        const facts = await kernel.db.read((on) => inbox.requireInbox(on, caller, caller.agentId));
        await streams.open(caller, facts, outlet);
      } catch (error) {
        outlet.close();
        throw error;
      }
      return response;
    },

    /** Closes the streams of a session that has ended. */
    close(sessionId: string): void {
      for (const { outlet } of [...(live.get(sessionId) ?? [])]) outlet.close();
    },
  };
}
