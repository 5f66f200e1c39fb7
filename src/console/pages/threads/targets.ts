import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";

/** Agents and groups that a message can go to, for completion. */
export function useTargets(): string[] {
  const { data } = useQuery({
    queryKey: ["agents", "targets"],
    queryFn: ({ signal }) => api.agents.list({ limit: 500 }, { signal }),
  });
  const agents = (data?.items ?? []).filter(({ kind }) => kind === "provider");
  const groups = agents.flatMap(({ label, tags, capabilities }) => [
    ...(label ? [`label:${label}`] : []),
    ...tags.map((tag) => `tag:${tag}`),
    ...capabilities.map((cap) => `cap:${cap}`),
  ]);
  return [...agents.map(({ id }) => id).sort(), ...new Set(groups.sort()), "broadcast"];
}
