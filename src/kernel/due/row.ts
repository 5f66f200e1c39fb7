import type { due } from "./tables.ts";

export type DueRow = typeof due.$inferSelect;
