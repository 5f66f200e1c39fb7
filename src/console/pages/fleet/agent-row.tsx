import type { Agent } from "../../../protocol/agents.ts";
import type { Session } from "../../../protocol/sessions.ts";
import { visible } from "../../../protocol/visible.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { agentState } from "../../ui/states.ts";

/** An agent as a row, in the state of its live sessions where they are given. */
export function agentRow(agent: Agent, live: readonly Session[] = []): RowParts {
  const own = live.filter(({ agentId }) => agentId === agent.id);
  const { glyph, word, colour } = agentState(agent, own);
  const facts = [agent.role ?? agent.description, agent.machine, agent.tags.join(", ")].filter(Boolean);
  return {
    ...{ id: agent.id, glyph, kind: agent.rig ?? "", since: agent.lastSeenAt },
    what: (
      <>
        <strong>{agent.id}</strong> <span className={`text-small ${colour}`}>{word}</span>
      </>
    ),
    why: facts.length > 0 && visible(facts.join(" · ").slice(0, 200)),
  };
}
