import { z } from "zod";
import { contracts, paged } from "./contract.ts";
import { NAMED, named, strictObject } from "./shape.ts";
import { Int, line, listOf, PageQuery, Str } from "./wire.ts";

export const Project = named("Project", "What work is about: a git remote, else a folder.", () => ({
  name: Str,
  live: Int.describe("Live sessions in it, and runs at work in it outside of sessions."),
  needs: Int.describe(
    "Things in it that wait for a person, without those that are snoozed: of each kind, among the first 200 of all projects.",
  ),
}));
export type Project = z.infer<typeof Project>;
export const ProjectList = listOf(Project).register(NAMED, { id: "ProjectList" });

export const ProjectQuery = strictObject(() => ({
  active: z.enum(["true", "false"]).optional().describe("true: those where something lives or waits for a person."),
  ...PageQuery,
  page: line(1024).optional(),
}));

export const listProjects = contracts("Console")("listProjects", "GET /v1/projects", {
  ...paged(ProjectQuery, ProjectList, "A page, by name."),
  summary: "List projects of sessions, runs and threads",
});
