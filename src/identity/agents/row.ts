import type { agents, memberships } from "./tables.ts";

export type AgentRow = typeof agents.$inferSelect;
/** An agent without the long fields that describe it. */
export type AgentHead = Omit<AgentRow, "description" | "skills" | "tags" | "capabilities" | "channel" | "meta">;
export type Membership = typeof memberships.$inferSelect;
/** A member of a target, and how far it has acknowledged. */
export type MemberPast = Omit<Membership, "target"> & { cursor: number };

/** The fields that decisions about an agent need. */
export interface AgentFacts {
  id: string;
  kind: AgentRow["kind"];
  ready: boolean;
  instanceId: string | null;
  epoch: number;
  cursor: number;
  deletedAt: number | null;
}
