import type { AgentId } from "../../protocol/ids.ts";

/** Agents held in memory; beyond that all of them count as recent for a while. */
const MOST = 20_000;

/**
 * Agents that have posted to a group lately, in memory: no is certain, and spares the look for their posts in each group. A write that
 * was rolled back counts, and so does everybody until `withinMs` have passed since the start.
 */
export function createGroupPosts(clock: { now(): number }, withinMs: number) {
  let lastAt = new Map<AgentId, number>();
  let knownSince = clock.now();

  return {
    note(agentId: AgentId): void {
      if (lastAt.size >= MOST) {
        lastAt = new Map();
        knownSince = clock.now();
      }
      lastAt.set(agentId, clock.now());
    },
    /** Whether the agent may have posted to a group within this time. */
    mayBeRecent: (agentId: AgentId): boolean => clock.now() - Math.max(knownSince, lastAt.get(agentId) ?? 0) < withinMs,
  };
}
