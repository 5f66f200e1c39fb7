import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import type { Run } from "../../../protocol/runs.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { Failure, Loading } from "../../ui/notes.tsx";
import { Page } from "../../ui/page.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { aboutRun } from "./about.ts";
import { RunAside } from "./aside.tsx";
import { Composer } from "./composer.tsx";
import { TranscriptView } from "./transcript-view.tsx";

const route = getRouteApi("/runs/$id");

/** One run: its transcript as it grows, and what it made. */
export function RunPage() {
  const { id } = route.useParams();
  const run = useQuery({ queryKey: ["run", id], queryFn: ({ signal }) => api.runs.get(id, { signal }) });
  if (run.data) return <RunView key={id} run={run.data} />;
  return (
    <Page title={run.error ? "This run cannot be shown" : "Run"}>
      {run.error ? <Failure error={run.error} retry={() => void run.refetch()} /> : <Loading what="the run" />}
    </Page>
  );
}

function titleOf(run: Run): string {
  const about = `“${aboutRun(run)}”`;
  if (run.status === "queued") return `${run.agentId} has yet to begin ${about}`;
  if (run.status === "waiting") return `${run.agentId} waits for its children with ${about}`;
  if (run.status === "stopping") return `${run.agentId} stops ${about}`;
  if (run.status === "running") return `${run.agentId} works on ${about}`;
  if (run.outcome === "ok") return `${run.agentId} is done with ${about}`;
  return run.outcome === "aborted" ? `${about} was stopped` : `${run.agentId} failed at ${about}`;
}

function RunView({ run }: { run: Run }) {
  const { writes, name, role } = useWho();
  const [side, show] = useState<"transcript" | "details">("transcript");
  const hiddenBelow = (one: typeof side): string => (side === one ? "" : "max-lg:hidden");
  return (
    <Page title={titleOf(run)} facts={<span className="font-mono text-small select-all">{run.id}</span>}>
      <Tabs label="Parts of the run" className="lg:hidden">
        {(["transcript", "details"] as const).map((one) => (
          <button key={one} type="button" aria-pressed={side === one} onClick={() => show(one)} className={TAB}>
            {one === "transcript" ? "Transcript" : "Details"}
          </button>
        ))}
      </Tabs>
      <div className="grid gap-x-10 lg:grid-cols-[minmax(0,1fr)_320px]">
        <section aria-label="Transcript" className={`min-w-0 ${hiddenBelow("transcript")}`}>
          <TranscriptView run={run} />
          {writes ? (
            <Composer run={run} />
          ) : (
            <p className="py-3 text-small text-ink2">{`${name} is a ${role}: operators and members tell and stop it.`}</p>
          )}
        </section>
        <aside className={`min-w-0 ${hiddenBelow("details")}`}>
          <RunAside run={run} />
        </aside>
      </div>
    </Page>
  );
}
