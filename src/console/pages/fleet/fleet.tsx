import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { Agent } from "../../../protocol/agents.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { visible } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { agentState } from "../../ui/states.ts";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { Machines } from "./machines.tsx";
import { Profiles } from "./profiles.tsx";
import { Sessions } from "./sessions.tsx";

const route = getRouteApi("/agents");
const SpawnDialog = lazy(async () => ({ default: (await import("./spawn.tsx")).SpawnDialog }));

const VIEWS = [
  [undefined, "Agents"],
  ["machines", "Machines"],
  ["sessions", "Sessions"],
  ["profiles", "Profiles"],
] as const;

/** Agents, the machines that they run on, their sessions, and how they are started. */
export function FleetPage() {
  const { show } = route.useSearch();
  const { writes } = useWho();
  const [spawns, setSpawns] = useState(false);
  const agents = usePages(["agents", "list"], (page, signal) =>
    api.agents.list({ kind: "provider", limit: 200, page }, { signal }),
  );
  const count = agents.items.length;
  const all = `${count}${agents.hasMore ? "+" : ""} ${count === 1 ? "agent" : "agents"}`;
  return (
    <Page
      title={!agents.isRead ? "Fleet" : count ? all : "No agent is connected yet"}
      actions={writes && <Button onClick={() => setSpawns(true)}>Spawn…</Button>}
    >
      <Tabs label="Parts of the fleet">
        {VIEWS.map(([view, name]) => (
          <Link key={name} to="/agents" search={{ show: view }} className={TAB} activeOptions={{ exact: true }}>
            {name}
          </Link>
        ))}
      </Tabs>
      {show === undefined && (
        <Section title="Agents">
          <Listed
            list={agents}
            what="agents"
            row={agentRow}
            link={({ id }) => ({ to: "/agents/$id", params: { id } })}
            empty={
              <>
                No agent is connected yet. On the machine where Claude Code runs:{" "}
                <code className="font-mono">signalbox connect claude</code>
              </>
            }
          />
        </Section>
      )}
      {show === "machines" && <Machines />}
      {show === "sessions" && <Sessions />}
      {show === "profiles" && <Profiles />}
      {spawns && (
        <Suspense>
          <SpawnDialog close={() => setSpawns(false)} />
        </Suspense>
      )}
    </Page>
  );
}

function agentRow(agent: Agent): RowParts {
  const { glyph, word, colour } = agentState(agent);
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
