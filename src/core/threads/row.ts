import type { threadReads, threads } from "./tables.ts";

export type ThreadRow = typeof threads.$inferSelect;
export type ThreadReadRow = typeof threadReads.$inferSelect;
