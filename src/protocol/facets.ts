import { line } from "./wire.ts";

/** Filters by what runs, sessions and threads are about. */
export const FacetQuery = {
  project: line(1024).optional(),
  tag: line(64).optional(),
  pr: line(2048).optional().describe("A pull request linked to it: its address, owner/name#7, or 7."),
};
