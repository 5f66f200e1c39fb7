import type { Outlet } from "../../kernel/log/outlet.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { Deliveries, Receiver } from "./deliveries.ts";
import type { Carried } from "./fleet-source.ts";

/** Notes for each agent of one stream what was handed to the kernel for it. */
export function createFleetNotes(deliveries: Deliveries, receiverOf: (agentId: string) => Receiver) {
  /** Place up to which each agent's entries were noted: what lay between was not for it. */
  const noted = new Map<string, number>();
  /** Entries handed to the connection, and not yet to the kernel. */
  const unsettled = new Map<string, { upTo: number; entries: number; oldestAt: number }>();

  return {
    /** An agent whose entries begin after a place. */
    begin: (agentId: string, after: number): unknown => noted.set(agentId, after),

    add(entries: readonly LogEntry[], receivers: (entry: LogEntry) => readonly Carried[], upTo: number): void {
      for (const entry of entries)
        for (const { agentId } of receivers(entry)) {
          const known = unsettled.get(agentId);
          const oldestAt = known?.oldestAt ?? entry.lineage.createdAt;
          unsettled.set(agentId, { upTo, entries: (known?.entries ?? 0) + 1, oldestAt });
        }
    },

    settle(outlet: Outlet<LogEntry>): void {
      if (unsettled.size === 0 || !outlet.settled()) return;
      for (const [agentId, { upTo, entries, oldestAt }] of unsettled) {
        deliveries.note(receiverOf(agentId), { after: noted.get(agentId) ?? upTo, upTo }, entries, oldestAt);
        noted.set(agentId, upTo);
      }
      unsettled.clear();
    },
  };
}
