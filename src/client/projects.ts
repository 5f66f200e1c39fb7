import { listProjects, type ProjectQuery } from "../protocol/projects.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on projects: what work is about. */
export const projectVerbs = ({ ask }: Caller) => ({
  /** Lists projects by name, with what lives in each and what waits for a person. */
  list: (query: Query<typeof ProjectQuery> = {}, call?: Call) => ask(listProjects, { query }, call),
});
