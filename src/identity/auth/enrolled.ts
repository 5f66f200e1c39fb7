import type { AgentId } from "../../protocol/ids.ts";

export type Enrolled = ReturnType<typeof createEnrolled>;

const NONE: ReadonlySet<AgentId> = new Set();

/** Agents that each orchestrator has enrolled, in memory: tokens say it, and this follows them, commit by commit. */
export function createEnrolled() {
  const byEnroller = new Map<AgentId, Set<AgentId>>();
  const enrollers = new Map<AgentId, Set<AgentId>>();

  const setIn = (map: Map<AgentId, Set<AgentId>>, id: AgentId): Set<AgentId> => {
    const set = map.get(id) ?? new Set();
    map.set(id, set);
    return set;
  };

  return {
    /** Agents of one enroller. */
    of: (enroller: AgentId): ReadonlySet<AgentId> => byEnroller.get(enroller) ?? NONE,
    /** The same, kept: agents that come later are in it. */
    follow: (enroller: AgentId): ReadonlySet<AgentId> => setIn(byEnroller, enroller),
    /** Enrollers of an agent. */
    by: (agentId: AgentId): Iterable<AgentId> => enrollers.get(agentId) ?? [],
    /** Orchestrators that have enrolled agents. */
    *runners(): Generator<AgentId> {
      for (const [id, agents] of byEnroller) if (agents.size > 0 && id.startsWith("orchestrator-")) yield id;
    },
    add(enroller: AgentId, agentId: AgentId): void {
      setIn(byEnroller, enroller).add(agentId);
      setIn(enrollers, agentId).add(enroller);
    },
  };
}
