import type { integrations, sourceEnds } from "./tables.ts";

export type IntegrationRow = typeof integrations.$inferSelect;
export type EndRow = typeof sourceEnds.$inferSelect;
