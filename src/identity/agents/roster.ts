import type { Hooks } from "../../kernel/hooks.ts";
import type { AgentStatus, Presence } from "../../protocol/agents.ts";
import type { AgentRow } from "./row.ts";

/** Summary of an agent, in memory. The row is the truth; the entry follows it, commit by commit. */
export interface RosterEntry {
  id: string;
  name: string;
  kind: AgentRow["kind"];
  label: string | null;
  role: string | null;
  capabilities: string[];
  status: AgentStatus;
  ready: boolean;
  reach: AgentRow["reach"];
  epoch: number;
  lastSeenAt: number;
  /** Not yet written to its row. */
  unsaved: boolean;
}

/** An agent's current status in the roster. */
export type Change = Omit<Presence, "connections">;

export type Roster = ReturnType<typeof createRoster>;

/** Agents in memory, for `hello`, presence, suggestions and last-seen times. */
export function createRoster(hooks: Hooks) {
  const entries = new Map<string, RosterEntry>();
  const changed = hooks.event<[change: Change]>("roster.changed");
  let changes = 0;
  /** Agents that the relay calls and never hears of: their presence is unknown. */
  const elsewhere = new Set<string>();

  function put(row: AgentRow): void {
    const before = entries.get(row.id);
    const { id, name, kind, label, role, capabilities, status, ready, reach, epoch } = row;
    const lastSeenAt = Math.max(row.lastSeenAt, before?.lastSeenAt ?? 0);
    const shown = { id, name, kind, label, role, capabilities, status, ready, reach, epoch };
    entries.set(id, { ...shown, lastSeenAt, unsaved: before?.unsaved ?? false });
    changes++;
    const same = before?.status === status && before.ready === ready && before.epoch === epoch;
    if (!same) changed.announce({ agentId: id, status, ready, epoch });
  }

  return {
    put,
    remove(id: string): void {
      const entry = entries.get(id);
      if (!entry) return;
      entries.delete(id);
      changes++;
      changed.announce({ agentId: id, status: "offline", ready: false, epoch: entry.epoch });
    },
    get: (id: string) => entries.get(id),
    elsewhere,
    values: () => entries.values(),
    ids: () => entries.keys(),
    size: () => entries.size,
    /** Rises with every change, for caches made from the roster. */
    version: () => changes,
    changed,
  };
}
