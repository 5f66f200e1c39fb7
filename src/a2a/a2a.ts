import type { AgentService } from "../agents/service.ts";
import type { Delegations } from "../delegations/service.ts";
import type { DelegationRow } from "../delegations/store.ts";
import type { Route } from "../http/call.ts";
import type { Messaging } from "../messages/messaging.ts";
import { cardRoutes } from "./card-routes.ts";
import { extendedRelayCard, MAX_NAMED } from "./cards.ts";
import { createFollow } from "./follow.ts";
import { createHandlers } from "./handler.ts";
import { bindingRoutes } from "./routes.ts";
import { createTaskService } from "./service.ts";
import { createStreams } from "./stream.ts";

export interface A2AParts {
  messaging: Messaging;
  agents: AgentService;
  delegations: { delegations: Delegations; onChange(listener: (row: DelegationRow) => void): unknown };
  publicUrl: string | undefined;
  onError(error: unknown): void;
}

/** Wires A2A: cards, tasks over delegations, both bindings. */
export function createA2A({ messaging, agents, delegations: room, publicUrl, onError }: A2AParts) {
  const { db, lists, sender, waits, connections } = messaging;
  const tasks = createTaskService({ delegations: room.delegations, lists, sender });
  const follow = createFollow({ db, waits, tasks });
  const handlers = createHandlers({ db, tasks, follow });
  const streams = createStreams(connections, onError);
  const extendedCard = async (base: string) => extendedRelayCard(base, await agents.providers(MAX_NAMED));

  // That somebody took it is no message to who asked.
  room.onChange((row) => waits.nudge(row.fromId));

  return {
    openStreams: streams.size,
    /** Cards are part of the OpenAPI document. */
    routes: (): Route[] => cardRoutes(agents, publicUrl),
    /** The protocol's own calls, which it describes itself. */
    bindings: (): Route[] => bindingRoutes({ handlers, streams, publicUrl, extendedCard, onError }),
  };
}
