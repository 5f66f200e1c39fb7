import type { threadReads, threads } from "./tables.ts";

export type ThreadRow = typeof threads.$inferSelect;
export type ThreadReadRow = typeof threadReads.$inferSelect;

/** The columns of an appended message that its thread keeps something of. */
export interface Appended {
  id: number;
  threadId: number | null;
  fromId: string;
  target: string;
}
