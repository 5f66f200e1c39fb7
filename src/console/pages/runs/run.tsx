import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Run } from "../../../protocol/runs.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { One } from "../../ui/one.tsx";
import { Page } from "../../ui/page.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { openWeb } from "../../ui/web.ts";
import { aboutRun, webOf } from "./about.ts";
import { RunAside } from "./aside.tsx";
import { Changes, useDiff } from "./changes.tsx";
import { useComments } from "./comments.ts";
import { Composer } from "./composer.tsx";
import { Questions, useQuestions } from "./questions.tsx";
import { TranscriptView } from "./transcript-view.tsx";

const route = getRouteApi("/runs/$id");

/** One run: its transcript as it grows, and what it made. */
export function RunPage() {
  const { id } = route.useParams();
  const run = useQuery({ queryKey: ["run", id], queryFn: ({ signal }) => api.runs.get(id, { signal }) });
  return (
    <One query={run} what="run">
      {(one) => <RunView key={id} run={one} />}
    </One>
  );
}

function titleOf(run: Run, asks: boolean): string {
  const about = `“${aboutRun(run)}”`;
  if (asks) return `${run.agentId} waits for you with ${about}`;
  if (run.status === "queued") return `${run.agentId} has yet to begin ${about}`;
  if (run.status === "waiting") return `${run.agentId} waits for its children with ${about}`;
  if (run.status === "stopping") return `${run.agentId} stops ${about}`;
  if (run.status === "running") return `${run.agentId} works on ${about}`;
  if (run.outcome === "ok") return `${run.agentId} is done with ${about}`;
  return run.outcome === "aborted" ? `${about} was stopped` : `${run.agentId} failed at ${about}`;
}

const PARTS = ["transcript", "changes", "details"] as const;
type Part = (typeof PARTS)[number];

/** The transcript stays beside the details where there is room for both. */
const hiddenIn: Record<Part, string> = { transcript: "", changes: "hidden", details: "max-lg:hidden" };

function RunView({ run }: { run: Run }) {
  const { writes, name, role } = useWho();
  const [part, show] = useState<Part>("transcript");
  const [opened, open] = useState<ReadonlySet<string>>(new Set());
  const comments = useComments(run.id);
  const questions = useQuestions(run);
  const files = useDiff(run.id).data?.files ?? [];
  const web = webOf(run);
  useKeys({
    ...(files.length > 0 && { c: () => show(part === "changes" ? "transcript" : "changes") }),
    ...(web !== undefined && { o: () => openWeb(web) }),
  });
  const toggle = (path: string): void =>
    open((had) => (had.has(path) ? new Set([...had].filter((one) => one !== path)) : new Set([...had, path])));
  function showFile(path: string): void {
    show("changes");
    open((had) => new Set([...had, path]));
  }
  const names: Record<Part, string> = {
    ...{ transcript: "Transcript", changes: `Changes ${files.length}`, details: "Details" },
  };
  return (
    <Page
      title={titleOf(run, questions.length > 0)}
      facts={<span className="font-mono text-small select-all">{run.id}</span>}
      actions={
        <Link to="/runs/compare" search={{ a: run.id }} className="self-center text-accent underline max-md:py-3">
          Compare…
        </Link>
      }
    >
      <Questions of={questions} />
      <Tabs label="Parts of the run" className={files.length === 0 ? "lg:hidden" : ""}>
        {PARTS.filter((one) => one !== "changes" || files.length > 0).map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={part === one}
            onClick={() => show(one)}
            className={`${TAB} ${one === "details" ? "lg:hidden" : ""}`}
          >
            {names[one]}
          </button>
        ))}
      </Tabs>
      <div className="grid gap-x-10 lg:grid-cols-[minmax(0,1fr)_320px]">
        {part === "changes" && (
          <section aria-label="Changes" className="min-w-0">
            <Changes run={run} comments={writes ? comments : undefined} opened={opened} toggle={toggle} />
          </section>
        )}
        <section aria-label="Transcript" className={`min-w-0 ${hiddenIn[part]}`}>
          <TranscriptView run={run} />
          {writes ? (
            <Composer run={run} />
          ) : (
            <p className="py-3 text-small text-ink2">{`${name} is a ${role}: operators and members tell and stop it.`}</p>
          )}
        </section>
        <aside className={`min-w-0 ${part === "details" ? "" : "max-lg:hidden"}`}>
          <RunAside run={run} asks={questions.length > 0} show={showFile} />
        </aside>
      </div>
    </Page>
  );
}
