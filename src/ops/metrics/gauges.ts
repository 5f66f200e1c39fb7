import type { Areas } from "../../core/core.ts";
import type { A2A } from "../../edges/a2a/a2a.ts";
import type { Announcements } from "../../edges/announcements/announcements.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Limits } from "../../features/limits/limits.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Sessions } from "../../features/sessions/sessions.ts";

/** A gauge that is read when it is scraped. With a label, its values are keyed by the label's value. */
export interface GaugeRow {
  name: string;
  help: string;
  label?: string;
  read(): number | Record<string, number>;
}

interface Parts {
  sessions: Pick<Sessions, "counts">;
  limits: Pick<Limits, "counts">;
  delegations: Delegations;
  runs: Pick<Runs, "openStreams">;
  announcements: Pick<Announcements, "blocked">;
  a2a: A2A;
}

/** Gauges of everything that the relay counts in memory. */
export function gaugesOf(areas: Areas & Parts): GaugeRow[] {
  const { kernel, identity, core, delegations, runs, announcements, a2a, sessions, limits } = areas;
  const { roster, orchestrators } = identity;
  const byStatus = () => Map.groupBy(roster.values(), (agent) => agent.status);
  const channels = () => [...roster.values()].filter(({ kind }) => kind === "channel");
  return [
    { name: "connections", help: "Open streams, sockets and parked calls.", read: kernel.connections.size },
    { name: "parked_claimers", help: "Claimers that wait for work.", read: core.work.parked.waiting },
    { name: "delegations_open", help: "Delegations that owe an answer.", read: delegations.open },
    {
      ...{
        name: "announcements_blocked",
        help: "Results of runs that could not be delivered, and wait for a decision.",
      },
      read: announcements.blocked,
    },
    { name: "a2a_streams", help: "Open streams on tasks over A2A.", read: a2a.openStreams },
    { name: "run_streams", help: "Open streams on runs.", read: runs.openStreams },
    { name: "log_head", help: "The newest place in the log.", read: core.messages.log.head },
    {
      ...{ name: "agents", help: "Agents by status.", label: "status" },
      read: () => Object.fromEntries([...byStatus()].map(([status, agents]) => [status, agents.length])),
    },
    { name: "sessions", help: "Live sessions of agent CLIs by state.", label: "state", read: sessions.counts.byState },
    { name: "limits", help: "Accounts that providers refuse, by provider.", label: "provider", read: limits.counts },
    { name: "orchestrators", help: "Orchestrators by status.", label: "status", read: orchestrators.counts },
    {
      ...{ name: "channel_ready", label: "channel" },
      help: "1 for a channel whose adapter is online and receives events, else 0.",
      read: () => Object.fromEntries(channels().map(({ id, ready, status }) => [id, +(ready && status !== "offline")])),
    },
    { name: "process_resident_bytes", help: "Memory of the process.", read: () => process.memoryUsage.rss() },
  ];
}
