import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Project } from "../../protocol/projects.ts";
import { api } from "../api.ts";

const MOST = 500;

/** Projects in which something lives or waits for a person, by name. */
export function useActiveProjects(): readonly Project[] {
  const { data } = useQuery({
    queryKey: ["projects", "active"],
    queryFn: ({ signal }) => api.projects.list({ active: "true", limit: MOST }, { signal }),
  });
  return data?.items ?? [];
}

/** All projects that are known, by name, where they are asked for. */
export function useProjects(isAsked = true): readonly Project[] {
  const { data } = useQuery({
    queryKey: ["projects", "all"],
    queryFn: ({ signal }) => api.projects.list({ limit: MOST }, { signal }),
    enabled: isAsked,
  });
  return data?.items ?? [];
}

/** The project that every page shows alone; undefined for all. */
export function useProject(): { project: string | undefined; choose(name: string | undefined): void } {
  const { project } = useSearch({ strict: false });
  const navigate = useNavigate();
  return { project, choose: (name) => void navigate({ to: ".", search: (had) => ({ ...had, project: name }) }) };
}

/** Said on pages of things that have no project, while one is chosen. */
export function useUnnarrowed(): string | undefined {
  return useProject().project === undefined ? undefined : "Not narrowed by project";
}
