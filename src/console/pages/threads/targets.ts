import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";

const useAgents = () =>
  useQuery({
    queryKey: ["agents", "targets"],
    queryFn: ({ signal }) => api.agents.list({ limit: 500 }, { signal }),
    select: ({ items }) => items.filter(({ kind }) => kind === "provider"),
  });

/** Ids of agents, for completion. */
export const useAgentIds = (): string[] => (useAgents().data ?? []).map(({ id }) => id).sort();

/** Agents and groups that a message can go to, for completion. */
export function useTargets(): string[] {
  const agents = useAgents().data ?? [];
  const groups = agents.flatMap(({ label, tags, capabilities }) => [
    ...(label ? [`label:${label}`] : []),
    ...tags.map((tag) => `tag:${tag}`),
    ...capabilities.map((cap) => `cap:${cap}`),
  ]);
  return [...agents.map(({ id }) => id).sort(), ...new Set(groups.sort()), "broadcast"];
}
