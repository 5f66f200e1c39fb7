import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Agent } from "../../../protocol/agents.ts";
import { api } from "../../api.ts";
import { visible } from "../../ui/exact.tsx";
import { Fact, FactList } from "../../ui/facts.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { agentState } from "../../ui/states.ts";
import { AgentRuns } from "./agent-runs.tsx";
import { SessionNow } from "./session.tsx";
import { SessionVerbs } from "./verbs.tsx";

const route = getRouteApi("/agents/$id");

/** One agent: its live sessions and its runs. */
export function AgentPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ["agent", id],
    queryFn: ({ signal }) => api.agents.get(id, { signal }),
  });
  if (data) return <AgentView key={id} agent={data} />;
  return (
    <Page title={error ? "This agent cannot be shown" : "Agent"}>
      {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading what="the agent" />}
    </Page>
  );
}

function AgentView({ agent }: { agent: Agent }) {
  const { word } = agentState(agent);
  const role = agent.role ?? agent.description;
  return (
    <Page title={`${agent.id} is ${word}`} facts={role && visible(role.slice(0, 300))}>
      <div className="grid gap-x-10 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="min-w-0">
          <LiveSessions agent={agent.id} />
          <AgentRuns agent={agent.id} />
        </div>
        <aside className="min-w-0">
          <Details agent={agent} />
        </aside>
      </div>
    </Page>
  );
}

function LiveSessions({ agent }: { agent: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["sessions", "live", agent],
    queryFn: ({ signal }) => api.sessions.list({ agent, live: "true", limit: 20 }, { signal }),
  });
  const items = data?.items ?? [];
  const main = items.find(({ lane }) => lane === "main") ?? items[0];
  return (
    <Section title="Now">
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data && !main && <p className="py-2 text-ink2">No orchestrator runs it: it is steered where it was started.</p>}
      {items.map((session) => (
        <div key={session.id} className="border-b border-line pb-2">
          <SessionNow session={session} />
          <Link to="/sessions/$id" params={{ id: session.id }} className="text-small text-accent underline">
            {`${session.lane} session ${session.id}`}
          </Link>
          {session === main && <SessionVerbs session={session} />}
        </div>
      ))}
    </Section>
  );
}

function Details({ agent }: { agent: Agent }) {
  return (
    <Section title="Details">
      <FactList>
        <Fact name="name">{visible(agent.name)}</Fact>
        <Fact name="machine">{agent.machine && visible(agent.machine)}</Fact>
        <Fact name="harness">{agent.rig && visible(agent.rig)}</Fact>
        <Fact name="hears">{REACH[agent.reach]}</Fact>
        <Fact name="tags">{agent.tags.length > 0 && visible(agent.tags.join(", "))}</Fact>
        <Fact name="can">{agent.capabilities.length > 0 && visible(agent.capabilities.join(", "))}</Fact>
        <Fact name="skills">{agent.skills.length > 0 && visible(agent.skills.map(({ name }) => name).join(", "))}</Fact>
        <Fact name="streams">{`${agent.connections} open`}</Fact>
        <Fact name="since">{new Date(agent.createdAt).toLocaleDateString()}</Fact>
      </FactList>
    </Section>
  );
}

const REACH: Record<Agent["reach"], string> = {
  "mid-turn": "messages during a turn",
  idle: "messages between turns",
  asked: "messages when it asks",
};
