import { and, desc, eq, lt, ne, type SQL, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readValues } from "../../kernel/db/reads.ts";
import { everyColumn } from "../../kernel/db/statements.ts";
import type { Facet } from "./filter.ts";
import { type FacetedKind, type FacetKind, facets } from "./tables.ts";

/** Rows that a list visits. */
const MAX_VISITED = 20_000;

const insert = statement((q) => q.insert(facets).values(everyColumn(facets)).onConflictDoNothing().prepare());

/** Facets, by what they are on and by their value. */
export function createFacetStore() {
  return {
    add(tx: Tx, of: FacetedKind, number: number, added: readonly Facet[]): void {
      for (const facet of added) insert(tx).run({ of, number, ...facet });
    },
    remove(tx: Tx, of: FacetedKind, number: number, { kind, value }: Facet): void {
      tx.db
        .delete(facets)
        .where(and(facetOf(of, kind, value), eq(facets.number, number)))
        .run();
    },
    forget(tx: Tx, of: FacetedKind, numbers: readonly number[]): void {
      tx.db
        .delete(facets)
        .where(and(eq(facets.of, of), inIds(facets.number, numbers)))
        .run();
    },
    /** Projects and tags of some, by number. */
    async of(on: ReadTx, of: FacetedKind, numbers: readonly number[]): Promise<Map<number, Facet[]>> {
      const columns = { number: facets.number, kind: facets.kind, value: facets.value };
      const where = and(eq(facets.of, of), inIds(facets.number, numbers), ne(facets.kind, "pull"));
      return Map.groupBy(on.db.select(columns).from(facets).where(where).all(), ({ number }) => number);
    },
    /** Projects after a name, in order. Each is one look into the index, however much is in it. */
    async projects(on: ReadTx, of: FacetedKind, after: string, limit: number): Promise<string[]> {
      const next = (name: SQL) =>
        sql`select min(value) from facets where of = ${of} and kind = 'project' and value > ${name}`;
      const found = on.db.all<{ name: string | null }>(sql`
        with recursive names(name) as (
          select (${next(sql`${after}`)})
          union all select (${next(sql`names.name`)}) from names where names.name is not null
        ) select name from names limit ${limit}`);
      return found.flatMap(({ name }) => name ?? []);
    },
    /** The newest numbers with a facet. */
    newest: async (on: ReadTx, of: FacetedKind, { kind, value }: Facet, limit: number): Promise<number[]> =>
      readValues(on, facets.number, facetOf(of, kind, value), { orderBy: desc(facets.number), limit }),
    /** Numbers with all of these facets among the newest 20,000 with the first; `reached` is where looking ended, null at the end. */
    async numbers(on: ReadTx, of: FacetedKind, [first, ...rest]: readonly Facet[], before: number) {
      if (!first) return { numbers: [], reached: null };
      const found = on.db
        .select({ number: facets.number })
        .from(facets)
        .where(and(facetOf(of, first.kind, first.value), lt(facets.number, before)))
        .orderBy(desc(facets.number))
        .limit(MAX_VISITED)
        .all()
        .map(({ number }) => number);
      const reached = found.length === MAX_VISITED ? (found.at(-1) ?? null) : null;
      return { numbers: rest.reduce((left, facet) => among(on, of, facet, left), found), reached };
    },
  };

  function among(on: ReadTx, of: FacetedKind, { kind, value }: Facet, numbers: readonly number[]): number[] {
    if (numbers.length === 0) return [];
    const where = and(facetOf(of, kind, value), inIds(facets.number, numbers));
    const kept = on.db.select({ number: facets.number }).from(facets).where(where).all();
    return kept.map(({ number }) => number).sort((one, other) => other - one);
  }
}

const facetOf = (of: FacetedKind, kind: FacetKind, value: string): SQL | undefined =>
  and(eq(facets.of, of), eq(facets.kind, kind), eq(facets.value, value));
