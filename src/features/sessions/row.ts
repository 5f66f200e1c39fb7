import type { sessions } from "./tables.ts";

export type SessionRow = typeof sessions.$inferSelect;
