const AGENT_PREFIX = "orchestrator-";

/** The agent that an orchestrator is reached by: `orchestrator:<id>` as a target means the same. */
export const agentIdOf = (id: string): string => `${AGENT_PREFIX}${id}`;
/** The orchestrator that such an agent belongs to. */
export const orchestratorIdOf = (agentId: string): string => agentId.slice(AGENT_PREFIX.length);
