import type { Inbox } from "../../core/inbox/inbox.ts";
import type { InboxStreams } from "../../core/inbox/stream.ts";
import type { Db } from "../../kernel/db/database.ts";
import { createSse } from "../../kernel/http/sse.ts";
import type { Outlet } from "../../kernel/log/outlet.ts";
import type { Incoming } from "./endpoint.ts";
import type { AgentCaller } from "./services.ts";
import type { McpSessions } from "./sessions.ts";
import { createUpdates, updated } from "./updates.ts";

export interface SessionStreamParts {
  db: Pick<Db, "read">;
  inbox: Inbox;
  streams: InboxStreams;
  sessions: McpSessions;
}

interface Live {
  wanted: ReadonlySet<string>;
  outlet: Outlet;
}

/** Streams of sessions of the older revision, on which they are told of what they have subscribed to. */
export function createSessionStreams({ db, inbox, streams, sessions }: SessionStreamParts) {
  const live = new Map<string, Set<Live>>();
  sessions.onSubscriptions((id, subscriptions) => {
    for (const each of live.get(id) ?? []) each.wanted = new Set(subscriptions);
  });

  return {
    /** @throws Problem 503 */
    async open(
      caller: AgentCaller,
      session: { id: string; subscriptions: readonly string[] },
      incoming: Pick<Incoming, "headers" | "peer">,
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
      const own: Live = { wanted: new Set(session.subscriptions), outlet };
      const siblings = live.get(session.id) ?? new Set();
      live.set(session.id, siblings.add(own));
      sse.onDrain = () => outlet.onDrain();
      sse.onClosed = () => outlet.close();
      try {
        const facts = await db.read((on) => inbox.requireInbox(on, caller, caller.agentId));
        await streams.open(caller, facts, outlet);
      } catch (error) {
        outlet.close();
        throw error;
      }
      return response;
    },

    /** The session has ended. */
    close(sessionId: string): void {
      for (const { outlet } of [...(live.get(sessionId) ?? [])]) outlet.close();
    },
  };
}
