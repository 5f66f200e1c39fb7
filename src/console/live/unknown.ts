import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import type { HealthReport } from "../../protocol/health.ts";
import type { Orchestrator } from "../../protocol/orchestrators.ts";
import { visible } from "../../protocol/visible.ts";
import { api } from "../api.ts";
import { clockText } from "../ui/states.ts";
import { feed } from "./feed.ts";

const HEALTH_MS = 60_000;
/** Machines that are named one by one. */
const NAMED = 3;

/** Sentences on what the page does not know. While there is one, nobody may be told that all is quiet. */
export function useUnknown(): string[] {
  const asOf = useSyncExternalStore(feed.onChange, feed.asOf);
  const isConnected = useSyncExternalStore(feed.onChange, feed.isConnected);
  const health = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => api.health({ signal }),
    refetchInterval: HEALTH_MS,
  });
  const machines = useQuery({
    queryKey: ["orchestrators", "heard"],
    queryFn: ({ signal }) => api.orchestrators.list({ limit: 500 }, { signal }),
  });
  return [
    ...(asOf === undefined ? [] : [`As of ${new Date(asOf).toLocaleTimeString()}.`]),
    ...(asOf === undefined && !isConnected ? ["The relay is not heard yet."] : []),
    ...healthSentences(health.data, health.error),
    ...(machines.data ? silentOnes(machines.data.items) : machines.error ? ["Machines could not be read."] : []),
    ...(health.isPending || machines.isPending ? ["The relay is being asked."] : []),
  ];
}

function healthSentences(report: HealthReport | undefined, error: unknown): string[] {
  if (!report) return error ? ["The relay's health could not be read."] : [];
  if (report.status === "ok") return [];
  const bad = report.checks.filter(({ status }) => status !== "ok").map(({ name, detail }) => `${name}: ${detail}`);
  return [`The relay is not well: ${visible(bad.join("; ")) || report.status}.`];
}

function silentOnes(machines: readonly Orchestrator[]): string[] {
  // One that was stopped said so: nothing happens there that could wait for somebody.
  const silent = machines.filter(({ status, stoppedAt }) => status === "offline" && stoppedAt === null);
  const rest = silent.length - NAMED;
  return [
    ...silent.slice(0, NAMED).map(({ id, lastSeenAt }) => `${id} was not heard of since ${clockText(lastSeenAt)}.`),
    ...(rest > 0 ? [`Nor were ${rest} other ${rest === 1 ? "machine" : "machines"}.`] : []),
  ];
}
