import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Target } from "../../protocol/ids.ts";
import type { Mapping, Paths, Verification } from "../../protocol/integrations.ts";
import type { Severity } from "../../protocol/tasks.ts";

export const integrations = sqliteTable("integrations", {
  source: text("source").primaryKey(),
  target: text("target").$type<Target>(),
  topic: text("topic"),
  severity: text("severity").$type<Severity>(),
  mapping: text("mapping").$type<Mapping>().notNull(),
  paths: text("paths", { mode: "json" }).$type<Paths>(),
  verify: text("verify").$type<Verification>().notNull(),
  /** Input of its secret, beside the relay's key; not secret by itself. */
  nonce: text("nonce").notNull(),
  /** The source's own secret, encrypted with the relay's key; null for a derived secret. */
  sealed: text("sealed"),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** The last end a source reported, kept even for unknown keys, so that older news changes nothing. */
export const sourceEnds = sqliteTable(
  "source_ends",
  {
    source: text("source").notNull(),
    key: text("key").notNull(),
    /** Position of that end in the source's own order; null when unknown. */
    asOf: integer("as_of"),
    at: integer("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.source, t.key] }), index("source_ends_by_age").on(t.at)],
);
