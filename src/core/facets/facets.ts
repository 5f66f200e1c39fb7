import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Base } from "../base.ts";
import { type Facet, type FacetFilter, pullName, wantedFacets } from "./filter.ts";
import type { FacetedKind } from "./tables.ts";

/** Source of facets. Links that are no pull requests count for nothing. */
export interface Faceted {
  project: string | null;
  tags: readonly string[];
  links: readonly { kind: string; ref?: string | null | undefined; url?: string | null | undefined }[];
}

/** Pull requests of one run or session that can be looked for, the newest. */
const MAX_PULLS = 20;
/** Tags that a thread shows. */
const MAX_TAGS = 32;
/** Threads that a filter looks among, the newest. */
export const MAX_THREADS = 5000;

const KINDS: readonly FacetedKind[] = ["run", "session", "thread"];
/** In the order of the database. */
const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

export type Facets = ReturnType<typeof createFacets>;

/** Projects, tags and pull requests of runs, sessions and threads. */
export function createFacets({ rows }: Pick<Base, "rows">) {
  const store = rows.facets;
  return {
    /** Notes what a run or session is about, and that its thread is about it, too. */
    note(tx: Tx, of: "run" | "session", number: number, threadId: number | null, now: Faceted, before?: Faceted): void {
      const [wanted, had] = [facetsOf(now), before ? facetsOf(before) : []];
      for (const facet of without(had, wanted)) store.remove(tx, of, number, facet);
      store.add(tx, of, number, without(wanted, had));
      if (threadId !== null) store.add(tx, "thread", threadId, wanted);
    },
    forget: store.forget,
    /** Project and tags of threads. */
    async ofThreads(
      on: ReadTx,
      ids: readonly number[],
    ): Promise<Map<number, { project: string | null; tags: string[] }>> {
      const found = await store.of(on, "thread", ids);
      const of = (facets: readonly Facet[], kind: string) =>
        facets.flatMap((facet) => (facet.kind === kind ? [facet.value] : []));
      return new Map(
        [...found].map(([id, facets]) => [
          id,
          { project: of(facets, "project").at(-1) ?? null, tags: of(facets, "tag").slice(0, MAX_TAGS) },
        ]),
      );
    },
    /** Projects of runs, sessions and threads after a name, in order. */
    async projects(on: ReadTx, after: string, limit: number): Promise<string[]> {
      const lists = await Promise.all(KINDS.map((of) => store.projects(on, of, after, limit)));
      return [...new Set(lists.flat())].sort(byBytes).slice(0, limit);
    },
    /** The newest of a project. */
    newestIn: (on: ReadTx, of: FacetedKind, project: string, limit: number): Promise<number[]> =>
      store.newest(on, of, { kind: "project", value: project }, limit),
    /** Numbers with these facets, newest first; undefined without a filter. */
    find: async (on: ReadTx, of: FacetedKind, filter: FacetFilter, before = Number.MAX_SAFE_INTEGER) => {
      const wanted = wantedFacets(filter);
      return wanted.length === 0 ? undefined : store.numbers(on, of, wanted, before);
    },
  };
}

function facetsOf({ project, tags, links }: Faceted): Facet[] {
  const pulls = links.filter(({ kind }) => kind === "pull").slice(-MAX_PULLS);
  return [
    ...(project === null ? [] : [{ kind: "project" as const, value: project }]),
    ...tags.map((value) => ({ kind: "tag" as const, value })),
    ...[...new Set(pulls.flatMap(namesOf))].map((value) => ({ kind: "pull" as const, value })),
  ];
}

/** Names by which a pull request is looked for: `host/owner/name#7`, `owner/name#7`, `7`. */
function namesOf({ ref, url }: Faceted["links"][number]): string[] {
  const key = url ? pullName(url) : "";
  const short = key.slice(key.indexOf("/") + 1);
  const names = [key, short, ref ? pullName(ref) : ""];
  return [...names, ...names.map((name) => /#(\d+)$/.exec(name)?.[1] ?? "")].filter(Boolean);
}

const without = (some: readonly Facet[], others: readonly Facet[]): Facet[] =>
  some.filter(({ kind, value }) => !others.some((other) => other.kind === kind && other.value === value));
