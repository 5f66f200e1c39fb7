import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Job, JobRun } from "../../../protocol/jobs.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Exact } from "../../ui/exact.tsx";
import type { GlyphName } from "../../ui/glyph.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { SureButton } from "../../ui/sure.tsx";
import { dayText } from "./words.ts";

/** Runs of a job that the relay keeps. */
const KEPT = 100;
const GLYPH: Record<JobRun["status"], GlyphName> = {
  running: "working",
  ok: "ok",
  error: "error",
  skipped: "superseded",
};
const WORD: Record<JobRun["status"], string> = { running: "runs", ok: "done", error: "failed", skipped: "skipped" };

/** Cron jobs that agents run themselves: the relay shows them, and hands on orders. */
export function Jobs() {
  const list = usePages(["jobs"], (page, signal) => api.jobs.list({ limit: 100, page }, { signal }));
  return (
    <Section title="Jobs that agents run themselves">
      <Listed
        list={list}
        what="jobs"
        row={jobRow}
        open={(job) => <OpenJob key={`${job.agentId} ${job.id}`} job={job} />}
        empty="No agent has told of jobs of its own. An agent with a cron of its own reports its jobs to the relay."
      />
    </Section>
  );
}

const jobRow = ({ id, agentId, name, schedule, enabled, lastRun, lastRunAt }: Job): RowParts => ({
  ...{ id: `${agentId}/${id}`, glyph: lastRun ? GLYPH[lastRun.status] : "limited", kind: agentId },
  ...(lastRunAt && { since: lastRunAt }),
  what: (
    <>
      <strong>{visible(name)}</strong> <span className="text-small text-ink2">{enabled ? "" : "switched off"}</span>
    </>
  ),
  why: [visible(schedule), lastRun && WORD[lastRun.status]].filter(Boolean).join(" · "),
});

function OpenJob({ job: { agentId, id } }: { job: Job }) {
  const { isOperator } = useWho();
  const [limit, setLimit] = useState(5);
  const { data, error, refetch } = useQuery({
    queryKey: ["jobs", agentId, id, limit],
    queryFn: ({ signal }) => api.jobs.runs(agentId, id, { limit }, { signal }),
    placeholderData: keepPreviousData,
  });
  const run = useAct(async () => {
    await api.jobs.run(agentId, id);
    return { said: `${agentId} was told to run it` };
  });
  const remove = useAct(async () => {
    await api.jobs.delete(agentId, id);
    return { said: `${agentId} was told to delete it: it goes from the list once the agent has` };
  });
  useKeys(isOperator ? { r: () => run.mutate(undefined) } : {});
  return (
    <>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading what="its runs" />}
      {data?.items.length === 0 && <p className="py-2 text-small text-ink2">No run of it was reported yet.</p>}
      {data?.items.map((one) => (
        <Run key={one.id} run={one} />
      ))}
      {data?.nextPage != null && limit < KEPT && <Button onClick={() => setLimit(KEPT)}>All of its runs</Button>}
      {isOperator && (
        <div className="flex flex-wrap gap-2 pt-2">
          <Button hint="r" disabled={run.isPending} onClick={() => run.mutate(undefined)}>
            Run now
          </Button>
          <SureButton
            sure={`Tell ${agentId} to delete it`}
            disabled={remove.isPending}
            onClick={() => remove.mutate(undefined)}
          >
            Delete
          </SureButton>
        </div>
      )}
    </>
  );
}

const Run = ({ run: { status, startedAt, endedAt, output, encoding } }: { run: JobRun }) => (
  <details className="py-1">
    <summary className="cursor-pointer text-small text-ink2">
      {`${dayText(startedAt)}: ${WORD[status]}`}
      {endedAt && ` after ${Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)} s`}
    </summary>
    <Exact>{encoding === "opaque" ? "This output is encrypted." : (output ?? "It said nothing.")}</Exact>
  </details>
);
