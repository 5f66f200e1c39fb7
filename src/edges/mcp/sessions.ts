import { randomUUID } from "node:crypto";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Outlet } from "../../kernel/log/outlet.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { createSessionStore } from "./store.ts";

/** Sessions beyond this end the oldest of their agent. */
const MAX_PER_AGENT = 64;
const MAX_SUBSCRIPTIONS = 64;

/** Open stream of a session. */
export interface SessionStream {
  wanted: ReadonlySet<string>;
  outlet: Outlet;
}

export type McpSessions = ReturnType<typeof createMcpSessions>;

/** Sessions of MCP clients, as rows: a restart changes nothing about them. */
export function createMcpSessions({ clock }: Kernel) {
  const store = createSessionStore();
  /** Open streams of this process, by session. */
  const live = new Map<string, Set<SessionStream>>();

  async function find(on: ReadTx, agentId: AgentId, id: string) {
    const row = await store.find(on, id);
    // A session of another agent looks like a missing one.
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
        for (const each of live.get(id) ?? []) each.wanted = new Set(subscriptions);
      });
      return true;
    },
    live,
    async dropAgent(tx: Tx, agentId: string): Promise<void> {
      await store.endAllOf(tx, agentId);
    },
  };
}
