import type { limits } from "./tables.ts";

export type LimitRow = typeof limits.$inferSelect;
