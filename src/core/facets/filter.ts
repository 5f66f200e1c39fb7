import { pullOf } from "../../protocol/repositories.ts";
import type { FacetKind } from "./tables.ts";

export interface Facet {
  kind: FacetKind;
  value: string;
}

/** Filters of a list. */
export interface FacetFilter {
  project?: string | undefined;
  tag?: string | undefined;
  pr?: string | undefined;
}

/** Facets that a filter asks for, the rarest kind first. */
export const wantedFacets = ({ project, tag, pr }: FacetFilter): Facet[] => [
  ...(pr === undefined ? [] : [{ kind: "pull" as const, value: pullName(pr) }]),
  ...(project === undefined ? [] : [{ kind: "project" as const, value: project }]),
  ...(tag === undefined ? [] : [{ kind: "tag" as const, value: tag }]),
];

/** A pull request as it is stored, from its page's address, or as people write it: `#7`, `owner/name#7`. */
export const pullName = (text: string): string => pullOf(text) ?? text.trim().replace(/^#/, "");
