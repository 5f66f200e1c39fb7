import { integer, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Limits that providers have set: one for each provider and account, until it is cleared. */
export const limits = sqliteTable(
  "limits",
  {
    /** Order of lists. */
    number: integer("number").primaryKey({ autoIncrement: true }),
    provider: text("provider").notNull(),
    account: text("account").notNull(),
    type: text("type").notNull(),
    until: integer("until").notNull(),
    evidence: text("evidence", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    utilization: real("utilization"),
    /** False: a warning. */
    rejected: integer("rejected", { mode: "boolean" }).notNull(),
    /** Session that was asked last to try, and when. */
    probeSessionId: text("probe_session_id"),
    probeAt: integer("probe_at"),
    /** Sessions that were asked since the last report. */
    tried: text("tried", { mode: "json" }).$type<string[]>().notNull(),
    since: integer("since").notNull(),
    /** Orchestrators that have reported it, the newest last. */
    reportedBy: text("reported_by", { mode: "json" }).$type<string[]>().notNull(),
  },
  (t) => [uniqueIndex("limits_by_account").on(t.provider, t.account)],
);
