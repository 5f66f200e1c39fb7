import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Caps } from "../../protocol/caps.ts";
import type { ApprovalMode, Load, ManagedAgent, OrchestratorStatus, Provider } from "../../protocol/orchestrators.ts";

/** Daemons that start and watch agents. When one was last heard of, and its instance, are its agent's. */
export const orchestrators = sqliteTable("orchestrators", {
  id: text("id").primaryKey(),
  hostname: text("hostname").notNull(),
  status: text("status").$type<OrchestratorStatus>().notNull(),
  /** Told to start nothing new: what it is back to after an absence, until it registers again or is told otherwise. */
  draining: integer("draining", { mode: "boolean" }).notNull(),
  /** When it said goodbye; null while it is here, and where it went without a word. */
  stoppedAt: integer("stopped_at"),
  providers: text("providers", { mode: "json" }).$type<Provider[]>().notNull(),
  baseDir: text("base_dir").notNull(),
  envKeys: text("env_keys", { mode: "json" }).$type<string[]>().notNull(),
  /** The daemon's own, by its token; null before that has registered. */
  daemonMode: text("daemon_mode").$type<ApprovalMode>(),
  operatorMode: text("operator_mode").$type<ApprovalMode>(),
  version: text("version"),
  /** Agents that may spawn here: ids, and beginnings of ids with a star. */
  spawners: text("spawners", { mode: "json" }).$type<string[]>().notNull(),
  caps: text("caps", { mode: "json" }).$type<Caps>(),
  load: text("load", { mode: "json" }).$type<Load>(),
  managedAgents: text("managed_agents", { mode: "json" }).$type<ManagedAgent[]>().notNull(),
  meta: text("meta", { mode: "json" }).$type<Record<string, unknown>>(),
  createdAt: integer("created_at").notNull(),
});
