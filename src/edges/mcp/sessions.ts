import { randomUUID } from "node:crypto";
import type { AgentService } from "../../identity/agents/service.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { createSessionStore } from "./store.ts";

/** An agent that opens more has forgotten the oldest. */
const MAX_PER_AGENT = 64;
const MAX_SUBSCRIPTIONS = 64;

export type McpSessions = ReturnType<typeof createMcpSessions>;

/** Sessions of MCP clients, as rows: a restart changes nothing about them. */
export function createMcpSessions(agents: Pick<AgentService, "onDeleted">, clock: Clock) {
  const store = createSessionStore();
  const listeners: ((sessionId: string, subscriptions: readonly string[]) => void)[] = [];
  agents.onDeleted(store.endAllOf);

  async function find(on: Reading, agentId: AgentId, id: string) {
    const row = await store.find(on, id);
    // Another agent's session is as unknown as none.
    return row?.agentId === agentId ? row : undefined;
  }

  return {
    find,
    async begin(tx: Tx, agentId: string): Promise<string> {
      const id = randomUUID();
      await store.add(tx, { id, agentId, subscriptions: [], createdAt: clock.now() });
      await store.prune(tx, agentId, MAX_PER_AGENT);
      return id;
    },
    end: store.end,
    /** Adds or takes away one URI; false when there is no such session, or no room. */
    async subscribe(tx: Tx, agentId: AgentId, id: string, uri: string, wanted: boolean): Promise<boolean> {
      const row = await find(tx, agentId, id);
      if (!row) return false;
      const others = row.subscriptions.filter((each) => each !== uri);
      if (wanted && others.length >= MAX_SUBSCRIPTIONS) return false;
      const subscriptions = wanted ? [...others, uri] : others;
      await store.setSubscriptions(tx, id, subscriptions);
      tx.afterCommit(() => {
        for (const listener of listeners) listener(id, subscriptions);
      });
      return true;
    },
    /** Told of what a session wants to hear of, once that is on disk. */
    onSubscriptions: (listener: (sessionId: string, subscriptions: readonly string[]) => void) =>
      listeners.push(listener),
  };
}
