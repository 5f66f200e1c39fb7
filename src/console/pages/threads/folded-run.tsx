import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Run } from "../../../protocol/runs.ts";
import { api } from "../../api.ts";
import { Age } from "../../ui/age.tsx";
import { moneyText } from "../../ui/amounts.ts";
import { Fold } from "../../ui/fold.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { runState } from "../../ui/states.ts";
import { aboutRun } from "../runs/about.ts";
import { BlockView } from "../runs/block.tsx";
import { useTranscript } from "../runs/use-transcript.ts";

/** Newest runs of a thread that are shown in it. */
const MAX_RUNS = 50;
/** Live runs that are shown opened: each is followed. */
const OPENED = 3;
/** Newest blocks of a run that its thread shows. */
const BLOCKS = 30;

/** Runs in a thread: those that are live, and those that ended by the message that they worked on. */
export function useThreadRuns(threadId: number) {
  const { data } = useQuery({
    queryKey: ["runs", "thread", threadId],
    queryFn: ({ signal }) => api.runs.list({ thread: threadId, limit: MAX_RUNS }, { signal }),
  });
  const items = data?.items ?? [];
  return {
    live: items.filter(({ status }) => status !== "ended").reverse(),
    ended: Map.groupBy(items.filter(({ status }) => status === "ended").reverse(), ({ messageId }) => messageId ?? 0),
  };
}

/** Live runs at the end of their thread, the first of them opened. */
export const LiveRuns = ({ runs, grew }: { runs: readonly Run[]; grew(): void }) => (
  <ul aria-label="Live runs" className="border-b border-line px-8 py-2 max-md:px-4">
    {runs.map((run, index) => (
      <li key={run.id}>
        <FoldedRun run={run} startsOpen={index < OPENED} grew={grew} />
      </li>
    ))}
  </ul>
);

interface FoldedProps {
  run: Run;
  startsOpen?: boolean;
  /** Called when something was added. */
  grew?: () => void;
}

/** A run in its thread: one line, which opens to the end of its transcript. */
export function FoldedRun({ run, startsOpen = false, grew }: FoldedProps) {
  const { glyph, word, colour } = runState(run);
  const cost = moneyText(run.usage.costUsd || null);
  const line = (
    <>
      <Glyph name={glyph} />
      <span className="min-w-0 flex-1 truncate">
        <strong>{run.agentId}</strong> <span className={colour}>{word}</span>
        {` · ${aboutRun(run)}${cost && ` · ${cost}`}`}
      </span>
      <Age since={run.endedAt ?? run.createdAt} />
    </>
  );
  return (
    <Fold line={line} startsOpen={startsOpen}>
      {() => <Tail run={run} grew={grew} />}
    </Fold>
  );
}

/** The newest blocks of a run, as they come. Thoughts, tools and states are one line each, which opens. */
function Tail({ run, grew }: Pick<FoldedProps, "run"> & { grew: (() => void) | undefined }) {
  const { blocks, isRead, error, readOlder } = useTranscript(run.id, run.status === "ended");
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each block
  useEffect(() => grew?.(), [blocks]);
  if (error && !isRead) return <Failure error={error} retry={() => void readOlder()} />;
  if (!isRead) return <Loading what="the run" />;
  const shown = blocks.filter(({ kind }) => kind !== "turn").slice(-BLOCKS);
  return (
    <>
      <p className="text-small">
        <Link to="/runs/$id" params={{ id: run.id }} className="inline-block py-1 text-accent underline">
          {blocks.length > shown.length + 1 ? "The whole run" : "Its page"}
        </Link>
      </p>
      {shown.map((block) => (
        <BlockView key={block.key} block={block} teller="Told" />
      ))}
      {shown.length === 0 && <p className="text-small text-ink3">Its runner has told nothing yet.</p>}
    </>
  );
}
