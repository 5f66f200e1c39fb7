import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Run, RunDiff, RunTree } from "../../../protocol/runs.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { countText, durationText, moneyText } from "../../ui/amounts.ts";
import { FIELD, Labelled } from "../../ui/fields.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { Page } from "../../ui/page.tsx";
import { clockText, runState } from "../../ui/states.ts";
import { aboutRun } from "./about.ts";
import { Words } from "./block.tsx";
import { ChangedLine, useDiff } from "./changes.tsx";

const route = getRouteApi("/runs/compare");
/** Newest runs to choose from. */
const CHOICES = 100;

/** Two runs side by side: on a phone one below the other. */
export function ComparePage() {
  const { a, b } = route.useSearch();
  const recent = useQuery({
    queryKey: ["runs", "compare"],
    queryFn: ({ signal }) => api.runs.list({ limit: CHOICES }, { signal }),
  });
  const [one, other] = [useSide(a), useSide(b)];
  const title = one.run && other.run ? verdictOf(one.run, other.run) : "Compare two runs";
  return (
    <Page title={title}>
      {recent.error && <Failure error={recent.error} retry={() => void recent.refetch()} />}
      <div className="grid gap-x-8 md:grid-cols-2">
        <Choose name="First run" which="a" runs={recent.data?.items ?? []} />
        <Choose name="Second run" which="b" runs={recent.data?.items ?? []} className="max-md:order-2 max-md:mt-8" />
        <Side side={one} name="First run" />
        <Side side={other} name="Second run" className="max-md:order-3" />
      </div>
    </Page>
  );
}

/** The choice of one of the two. A run that is not among the newest stays chosen. */
function Choose({
  name,
  which,
  runs,
  className = "",
}: {
  name: string;
  which: "a" | "b";
  runs: readonly Run[];
  className?: string;
}) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const chosen = search[which];
  const isListed = chosen === undefined || runs.some(({ id }) => id === chosen);
  return (
    <div className={className}>
      <Labelled name={name}>
        <select
          className={`${FIELD} w-full`}
          value={chosen ?? ""}
          onChange={({ target }) => void navigate({ search: { ...search, [which]: target.value || undefined } })}
        >
          <option value="">Choose a run</option>
          {!isListed && <option value={chosen}>{chosen}</option>}
          {runs.map((run) => (
            <option key={run.id} value={run.id}>
              {`${run.agentId}: ${aboutRun(run).slice(0, 60)} (${runState(run).word}, ${clockText(run.createdAt)})`}
            </option>
          ))}
        </select>
      </Labelled>
    </div>
  );
}

interface Compared {
  id: string | undefined;
  run: Run | undefined;
  tree: RunTree | undefined;
  diff: RunDiff | undefined;
  error: unknown;
}

function useSide(id: string | undefined): Compared {
  const enabled = id !== undefined;
  const asked = id ?? "none";
  const run = useQuery({ queryKey: ["run", asked], enabled, queryFn: ({ signal }) => api.runs.get(asked, { signal }) });
  const tree = useQuery({
    ...{ queryKey: ["run", asked, "tree"], enabled },
    queryFn: ({ signal }) => api.runs.tree(asked, { signal }),
  });
  const diff = useDiff(asked, enabled);
  return { id, run: run.data, tree: tree.data, diff: diff.data, error: run.error ?? tree.error ?? diff.error };
}

function Side({ side, name, className = "" }: { side: Compared; name: string; className?: string }) {
  if (side.id === undefined) return <p className={`py-4 text-ink2 ${className}`}>Choose a run to see it here.</p>;
  if (side.error) return <Failure error={side.error} />;
  if (!side.run) return <Loading what="the run" />;
  return (
    <section aria-label={name} className={`min-w-0 ${className}`}>
      <dl>
        {Object.entries(cellsOf(side, side.run)).map(([what, content]) => (
          <div key={what} className="border-b border-line py-2">
            <dt className="text-small text-ink3">{what}</dt>
            <dd className="min-w-0 wrap-anywhere">{content}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function cellsOf({ tree, diff }: Compared, run: Run): Record<string, ReactNode> {
  const { glyph, word, colour } = runState(run);
  const { inputTokens, outputTokens } = tree?.usage ?? run.usage;
  const spent = tree?.usage.costUsd ?? run.usage.costUsd;
  const below = tree?.descendants.length ?? 0;
  const ms = durationOf(run);
  return {
    Run: (
      <Link to="/runs/$id" params={{ id: run.id }} className="text-accent underline">
        {run.id}
      </Link>
    ),
    Task: <Words>{run.task}</Words>,
    Agent: `${run.agentId}${run.model ? ` · ${visible(run.model)}` : ""}`,
    Outcome: (
      <span className={`flex items-center gap-2 ${colour}`}>
        <Glyph name={glyph} />
        {word}
        {run.error && `: ${visible(run.error)}`}
      </span>
    ),
    Cost: `${moneyText(spent)}${below > 0 ? ` with ${below} below` : ""} · ${countText(inputTokens)} tokens in, ${countText(outputTokens)} out`,
    Time: `${ms === undefined ? "under way" : durationText(ms)} · ${run.turns.length === 1 ? "1 turn" : `${run.turns.length} turns`}`,
    "Files changed": <Files diff={diff} />,
    Result: run.result ? <Words>{run.result.text}</Words> : <span className="text-ink3">none</span>,
  };
}

function Files({ diff }: { diff: RunDiff | undefined }) {
  if (!diff) return <span className="text-ink3">not read yet</span>;
  if (diff.files.length === 0) return <span className="text-ink3">none</span>;
  return (
    <>
      <span className="font-mono">{`${diff.files.length} · +${diff.added} −${diff.removed}`}</span>
      <ul className="text-small">
        {diff.files.map((file) => (
          <li key={file.path} className="flex gap-2 py-0.5">
            <ChangedLine file={file} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** Time from the first turn to the end, in milliseconds; undefined while it works. */
function durationOf({ turns, createdAt, endedAt }: Run): number | undefined {
  return endedAt === null ? undefined : Date.parse(endedAt) - Date.parse(turns[0]?.startedAt ?? createdAt);
}

/** The difference in one sentence. */
function verdictOf(one: Run, other: Run): string {
  const [a, b] = [one, other].map((run) => (run.status === "ended" ? runState(run).word : "under way"));
  const [first, second] = [durationOf(one), durationOf(other)];
  const words = a === b ? `Both ${a === "under way" ? "are" : "ended"} ${a}` : `The first is ${a}, the second ${b}`;
  if (first === undefined || second === undefined || first === second) return words;
  const faster = first < second ? "first" : "second";
  return `${words}; the ${faster} was faster by ${durationText(Math.abs(first - second))}`;
}
