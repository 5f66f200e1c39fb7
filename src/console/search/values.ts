import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";
import { useProjects } from "../frame/projects.ts";
import { lastWord, SEARCH_KEYS } from "./query.ts";

/** States that a search finds: of agents, sessions, runs and work. */
export const STATES = {
  agents: ["online", "busy", "idle", "offline"],
  sessions: ["starting", "working", "idle", "asking", "limited", "away", "stuck", "dead"],
  runs: ["queued", "running", "waiting", "stopping", "ended"],
  work: ["open", "delayed", "claimed", "done", "dead", "expired", "cancelled"],
} as const;
const ALL_STATES = [...new Set(Object.values(STATES).flat())].sort();

const MOST = 8;

/** Choices for the last word of a text: keys, or values of the key that it begins with. */
export function useChoices(text: string, isOpen: boolean): string[] {
  const { key, begun } = lastWord(text);
  const needsAgents = isOpen && (key === "agent" || key === "tag");
  const projects = useProjects(isOpen && key === "project");
  const agents = useQuery({
    queryKey: ["agents", "values"],
    queryFn: ({ signal }) => api.agents.list({ kind: "provider", limit: 500 }, { signal }),
    enabled: needsAgents,
  });
  const known = agents.data?.items ?? [];
  const values = {
    project: projects.map(({ name }) => name),
    agent: known.map(({ id }) => id),
    state: ALL_STATES,
    tag: [...new Set(known.flatMap(({ tags }) => tags))].sort(),
    pr: [],
  };
  const wanted = begun.toLowerCase();
  const all: readonly string[] = key === undefined ? SEARCH_KEYS : values[key];
  const found = all.filter((one) => one.toLowerCase().startsWith(wanted) && one.toLowerCase() !== wanted);
  // A list that opens with nothing written would stand in the way.
  return isOpen && (key !== undefined || begun !== "" || text === "") ? found.slice(0, MOST) : [];
}
