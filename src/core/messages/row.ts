import type { messages, scheduled } from "./tables.ts";

export type MessageRow = typeof messages.$inferSelect;

export type Content = Pick<MessageRow, "body" | "opaque" | "payload">;

export type Excerpt = Pick<MessageRow, "id" | "fromId" | "target" | "opaque" | "body" | "createdAt">;

/** What a reply or a cause passes on. */
export interface Lineage {
  id: number;
  fromId: string;
  target: string;
  threadId: number | null;
  rootId: number | null;
  hops: number;
  kind: MessageRow["kind"];
  source: MessageRow["source"];
  streak: number;
  /** The nearest work or request that it is or lies inside. */
  workId: number | null;
  createdAt: number;
}

/** The least about an entry that a reader needs to know whether it wants it. */
export interface Candidate {
  id: number;
  fromId: string;
  target: string;
}

/** Whether an entry belongs into the inbox: what oneself sends to a group is left out. */
export const isForInbox = (agentId: string, entry: Candidate): boolean =>
  entry.fromId !== agentId || entry.target === agentId;

export type ScheduledRow = typeof scheduled.$inferSelect;
