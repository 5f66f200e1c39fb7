import type { people } from "./tables.ts";

export type PersonRow = typeof people.$inferSelect;
