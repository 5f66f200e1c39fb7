import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Session } from "../../../protocol/sessions.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { show } from "../../frame/shown-dialog.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { agentRow } from "./agent-row.tsx";
import { Deleted } from "./deleted.tsx";
import { Flow } from "./flow.tsx";
import { Machines } from "./machines.tsx";
import { Profiles } from "./profiles.tsx";
import { Sessions } from "./sessions.tsx";

const route = getRouteApi("/agents");

const VIEWS = [
  [undefined, "Agents"],
  ["machines", "Machines"],
  ["sessions", "Sessions"],
  ["profiles", "Profiles"],
  ["flow", "Flow"],
  ["deleted", "Deleted"],
] as const;

/** Live sessions, of one project when it is named. */
function useLive(project: string | undefined): readonly Session[] {
  const { data } = useQuery({
    queryKey: ["sessions", "live", { project }],
    queryFn: ({ signal }) => api.sessions.list({ live: "true", limit: 200, project }, { signal }),
  });
  return data?.items ?? [];
}

/** Agents, the machines that they run on, their sessions, and how they are started. */
export function FleetPage() {
  const { show: part } = route.useSearch();
  const { writes, isOperator } = useWho();
  const { project } = useProject();
  const agents = usePages(["agents", "list", project], (page, signal) =>
    api.agents.list({ kind: "provider", limit: 200, page, project }, { signal }),
  );
  const sessions = useLive(project);
  const count = agents.items.length;
  const all = `${count}${agents.hasMore ? "+" : ""} ${count === 1 ? "agent" : "agents"}`;
  return (
    <Page
      title={
        !agents.isRead ? "Fleet" : count ? all : project ? `No agent works on ${project}` : "No agent is connected yet"
      }
      actions={
        <>
          {isOperator && <Button onClick={() => show("connect")}>Connect another…</Button>}
          {isOperator && <Button onClick={() => show("agent")}>Make an agent…</Button>}
          {writes && <Button onClick={() => show("spawn")}>Spawn…</Button>}
        </>
      }
    >
      <Tabs label="Parts of the fleet">
        {VIEWS.filter(([view]) => view !== "deleted" || isOperator).map(([view, name]) => (
          <Link
            key={name}
            to="/agents"
            search={{ show: view }}
            className={TAB}
            activeOptions={{ exact: true }}
            aria-current={view === part ? "page" : undefined}
          >
            {name}
          </Link>
        ))}
      </Tabs>
      {part === undefined && (
        <Section title="Agents">
          <Listed
            list={agents}
            what="agents"
            row={(agent) => agentRow(agent, sessions)}
            link={({ id }) => ({ to: "/agents/$id", params: { id } })}
            empty={
              <>
                {project ? `No agent works on ${visible(project)}, or did of late.` : "No agent is connected yet."}{" "}
                {isOperator && <Button onClick={() => show("connect")}>Connect one…</Button>}
              </>
            }
          />
        </Section>
      )}
      {part === "machines" && <Machines />}
      {part === "sessions" && <Sessions />}
      {part === "profiles" && <Profiles />}
      {part === "flow" && <Flow />}
      {part === "deleted" && isOperator && <Deleted />}
    </Page>
  );
}
