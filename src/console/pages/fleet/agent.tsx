import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import type { RelayProblem } from "../../../client/errors.ts";
import type { Agent } from "../../../protocol/agents.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useActs } from "../../frame/acts.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Fact, FactList } from "../../ui/facts.tsx";
import { Failure } from "../../ui/notes.tsx";
import { One } from "../../ui/one.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { agentState } from "../../ui/states.ts";
import { AgentDialog } from "./agent-dialog.tsx";
import { AgentRuns } from "./agent-runs.tsx";
import { DeleteAgent, useRestore } from "./delete-agent.tsx";
import { SessionNow } from "./session.tsx";
import { AgentTokens } from "./tokens.tsx";
import { SessionVerbs } from "./verbs.tsx";

const route = getRouteApi("/agents/$id");

/** One agent: its live sessions and its runs. */
export function AgentPage() {
  const { id } = route.useParams();
  const query = useQuery({
    queryKey: ["agent", id],
    queryFn: ({ signal }) => api.agents.get(id, { signal }),
  });
  return (
    <One query={query} what="agent" gone={(error) => error.status === 410 && <Deleted id={id} error={error} />}>
      {(agent) => <AgentView key={id} agent={agent} />}
    </One>
  );
}

/** An agent that was deleted, and its way back. */
function Deleted({ id, error }: { id: string; error: RelayProblem }) {
  const { isOperator } = useWho();
  const restore = useRestore();
  return (
    <>
      <Failure error={error} />
      {isOperator && <Button disabled={restore.isPending} onClick={() => restore.mutate(id)}>{`Restore ${id}`}</Button>}
    </>
  );
}

function AgentVerbs({ agent }: { agent: Agent }) {
  const { isOperator } = useWho();
  const [doing, setDoing] = useState<"changes" | "deletes">();
  const close = (): void => setDoing(undefined);
  useActs(
    isOperator
      ? [
          { name: `Change ${agent.id}…`, run: () => setDoing("changes") },
          ...(agent.kind === "provider" ? [{ name: `Delete ${agent.id}…`, run: () => setDoing("deletes") }] : []),
        ]
      : [],
  );
  if (!isOperator) return null;
  return (
    <>
      <Button onClick={() => setDoing("changes")}>Change…</Button>
      {agent.kind === "provider" && (
        <Button kind="danger" onClick={() => setDoing("deletes")}>
          Delete…
        </Button>
      )}
      {doing === "changes" && <AgentDialog agent={agent} close={close} />}
      {doing === "deletes" && <DeleteAgent id={agent.id} close={close} />}
    </>
  );
}

function AgentView({ agent }: { agent: Agent }) {
  const { word } = agentState(agent, useLive(agent.id).data?.items);
  const { isOperator } = useWho();
  const role = agent.role ?? agent.description;
  return (
    <Page
      title={`${agent.id} ${word.startsWith("waits") ? word : `is ${word}`}`}
      facts={role && visible(role.slice(0, 300))}
      actions={<AgentVerbs agent={agent} />}
    >
      <div className="grid gap-x-10 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="min-w-0">
          <LiveSessions agent={agent.id} />
          <AgentRuns agent={agent.id} />
        </div>
        <aside className="min-w-0">
          <Details agent={agent} />
          {isOperator && agent.kind !== "user" && agent.kind !== "system" && <AgentTokens agent={agent.id} />}
        </aside>
      </div>
    </Page>
  );
}

const useLive = (agent: string) =>
  useQuery({
    queryKey: ["sessions", "live", agent],
    queryFn: ({ signal }) => api.sessions.list({ agent, live: "true", limit: 20 }, { signal }),
  });

function LiveSessions({ agent }: { agent: string }) {
  const { data, error, refetch } = useLive(agent);
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
