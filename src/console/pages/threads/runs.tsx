import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";
import { Age } from "../../ui/age.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { runState } from "../../ui/states.ts";
import { plainly } from "./body.tsx";

/** Runs in a thread that have not ended, one line each. */
export function LiveRuns({ threadId }: { threadId: number }) {
  const { data } = useQuery({
    queryKey: ["runs", "thread", threadId],
    queryFn: ({ signal }) => api.runs.list({ thread: threadId, limit: 20 }, { signal }),
  });
  const live = (data?.items ?? []).filter(({ status }) => status !== "ended");
  return (
    <ul aria-label="Live runs">
      {live.map((run) => {
        const { glyph, word, colour } = runState(run);
        return (
          <li key={run.id} className="flex items-center gap-2 border-t border-line px-8 py-1.5 text-small max-md:px-4">
            <Glyph name={glyph} />
            <strong>{run.agentId}</strong>
            <span className={colour}>{word}</span>
            <a href={`/runs/${run.id}`} className="min-w-0 truncate text-accent underline">
              {plainly(run.label ?? run.id)}
            </a>
            <Age since={run.createdAt} className="ml-auto" />
          </li>
        );
      })}
    </ul>
  );
}
