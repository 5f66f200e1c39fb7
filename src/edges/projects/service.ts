import type { Areas } from "../../core/core.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Sessions } from "../../features/sessions/sessions.ts";
import { type Caller, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Project } from "../../protocol/projects.ts";
import type { List } from "../../protocol/wire.ts";
import type { AttentionArea } from "../attention/attention.ts";

export type Ground = Areas & { attention: AttentionArea; runs: Runs; sessions: Sessions };
export type ProjectService = ReturnType<typeof createProjectService>;

/** Projects, counted with each call: from live rows, and with one look into an index for each name. */
export function createProjectService({ core, attention, runs, sessions }: Ground) {
  async function liveIn(on: ReadTx): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { project, live } of [...(await sessions.countLive(on)), ...(await runs.countAlone(on))])
      counts.set(project, (counts.get(project) ?? 0) + live);
    return counts;
  }

  return {
    /** `GET /v1/projects`, by name. @throws Problem 403 */
    async list(
      on: ReadTx,
      caller: Caller,
      { active, ...page }: { active?: "true" | "false" | undefined } & PageQuery<string>,
    ): Promise<List<Project>> {
      if (!readsAll(caller))
        throw new Problem("forbidden", "Only people list projects: operators, members and viewers.");
      const [live, needs] = [await liveIn(on), await attention.countByProject(on)];
      const busy = [...new Set([...live.keys(), ...needs.keys()])].sort();
      return readList(
        page,
        async (count, after = "") =>
          active === "true"
            ? busy.filter((name) => name > after).slice(0, count)
            : core.facets.projects(on, after, count),
        (name) => ({ name, live: live.get(name) ?? 0, needs: needs.get(name) ?? 0 }),
        (name) => name,
      );
    },
  };
}
