import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { Flow as FlowAnswer } from "../../../protocol/stats.ts";
import { api } from "../../api.ts";
import { useUnnarrowed } from "../../frame/projects.ts";
import { Age } from "../../ui/age.tsx";
import { countText } from "../../ui/amounts.ts";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { FLOW_SPANS } from "./flow-spans.ts";
import { Party } from "./party.tsx";

const route = getRouteApi("/agents");
const Graph = lazy(async () => ({ default: (await import("./flow-graph.tsx")).FlowGraph }));
/** Edges that a picture can show and still be read. */
const MAX_DRAWN = 60;

/** Messages from one to another, as a picture and as a table. */
export function Flow() {
  const { range = "day" } = route.useSearch();
  const { ms } = FLOW_SPANS[range];
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["flow", range],
    queryFn: ({ signal }) => api.stats.flow({ from: new Date(Date.now() - ms).toISOString() }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
  return (
    <Section title="Who talks to whom" note={useUnnarrowed()}>
      <Tabs label="Time" className="mt-2">
        {(Object.keys(FLOW_SPANS) as (keyof typeof FLOW_SPANS)[]).map((name) => (
          <Link
            key={name}
            to="/agents"
            search={{ show: "flow", range: name }}
            className={TAB}
            aria-current={name === range ? "page" : undefined}
          >
            {FLOW_SPANS[name].label}
          </Link>
        ))}
      </Tabs>
      {isPending && <Loading what="the flow" />}
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data && data.edges.length === 0 && <Empty>Nobody talked in this time.</Empty>}
      {data && data.edges.length > 0 && <Edges flow={data} />}
    </Section>
  );
}

function Edges({ flow: { edges, more } }: { flow: FlowAnswer }) {
  const drawn = edges.slice(0, MAX_DRAWN);
  return (
    <>
      <div className="max-md:hidden">
        <Suspense fallback={<Loading what="the picture" />}>
          <Graph edges={drawn} />
        </Suspense>
        {(more || drawn.length < edges.length) && (
          <p className="mb-4 text-small text-ink3">{`The picture shows the ${drawn.length} pairs that talk most.`}</p>
        )}
      </div>
      <Table
        label="Messages by sender and target"
        head={["From", "To", "Messages", "Delegations", "Last"]}
        words={2}
        rows={edges.map(({ from, to, messages, delegations, lastAt }) => ({
          key: `${from}\n${to}`,
          cells: [
            <Party key="from" id={from} />,
            <Party key="to" id={to} />,
            ...[countText(messages), delegations === 0 ? "" : countText(delegations)],
            <Age key="age" since={lastAt} />,
          ],
        }))}
      />
    </>
  );
}
