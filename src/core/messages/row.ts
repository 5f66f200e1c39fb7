import type { messages, scheduled } from "./tables.ts";

export type MessageRow = typeof messages.$inferSelect;

export type Content = Pick<MessageRow, "body" | "opaque" | "payload">;

export type Excerpt = Pick<MessageRow, "id" | "fromId" | "target" | "opaque" | "body" | "createdAt">;

/** The columns that a reply or an effect takes over. */
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

/** The columns a reader needs to decide whether an entry is for it. */
export interface Candidate {
  id: number;
  fromId: string;
  target: string;
}

/** Whether an entry belongs into the agent's inbox: its own group messages do not. */
export const isForInbox = (agentId: string, entry: Candidate): boolean =>
  entry.fromId !== agentId || entry.target === agentId;

export type ScheduledRow = typeof scheduled.$inferSelect;

/** The part of a message that is searched. */
export type IndexedText = Pick<MessageRow, "id" | "fromId" | "target" | "opaque" | "subject" | "body">;
