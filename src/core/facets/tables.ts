import { type SQL, sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export type FacetedKind = "run" | "session" | "thread";
export type FacetKind = "project" | "tag" | "pull";

/** Projects, tags and pull requests of runs, sessions and threads: one row for each, so that a list finds them by its index. */
export const facets = sqliteTable(
  "facets",
  {
    of: text("of").$type<FacetedKind>().notNull(),
    /** Number of the run or session, or the thread's id. */
    number: integer("number").notNull(),
    kind: text("kind").$type<FacetKind>().notNull(),
    value: text("value").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.of, t.kind, t.value, t.number] }),
    index("facets_of").on(t.of, t.number, t.kind, t.value),
  ],
);

/** Condition: the thing with this number has a facet. One look into the index for each candidate. */
export const hasFacet = (of: FacetedKind, number: SQL, { kind, value }: { kind: FacetKind; value: string }): SQL =>
  sql`exists (
    select 1 from ${facets} f
    where f.of = ${sql.raw(`'${of}'`)} and f.kind = ${kind} and f.value = ${value} and f.number = ${number})`;
