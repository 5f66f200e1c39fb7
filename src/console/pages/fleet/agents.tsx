import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";
import { Age } from "../../ui/age.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { agentState } from "../../ui/states.ts";

/** Agents of the relay. */
export function AgentsPage() {
  const agents = useQuery({
    queryKey: ["agents"],
    queryFn: ({ signal }) => api.agents.list({ limit: 100 }, { signal }),
  });
  const items = (agents.data?.items ?? []).filter(({ kind }) => kind === "provider");
  return (
    <Page
      title={items.length ? `${items.length} ${items.length === 1 ? "agent" : "agents"}` : "No agent is connected yet"}
    >
      <Section title="Agents">
        {agents.isPending && <Loading what="agents" />}
        {agents.error && <Failure error={agents.error} retry={() => void agents.refetch()} />}
        {agents.data && items.length === 0 && (
          <Empty>
            No agent is connected yet. On the machine where Claude Code runs:{" "}
            <code className="font-mono">signalbox connect claude</code>
          </Empty>
        )}
        <ul>
          {items.map((agent) => {
            const { glyph, word, colour } = agentState(agent);
            return (
              <li
                key={agent.id}
                className="grid grid-cols-[12px_1fr_auto_56px] items-center gap-3 border-b border-line px-3 py-2"
              >
                <Glyph name={glyph} />
                <strong>{agent.id}</strong>
                <span className={`text-small ${colour}`}>{word}</span>
                {agent.lastSeenAt && <Age since={agent.lastSeenAt} className="text-right" />}
              </li>
            );
          })}
        </ul>
      </Section>
    </Page>
  );
}
