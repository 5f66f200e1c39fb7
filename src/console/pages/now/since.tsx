import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Run } from "../../../protocol/runs.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { moneyText } from "../../ui/amounts.ts";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { runState } from "../../ui/states.ts";
import { aboutRun } from "../runs/about.ts";

const SHOWN = 12;
const AWAY_MS = 10 * 60_000;
const DAY_MS = 24 * 3_600_000;

/** Time at which this browser was last looked at before an absence of ten minutes: it stays the same over reloads. */
function leftAt(): string {
  const seen = localStorage.getItem("seen-at");
  const isBack = seen !== null && Date.now() - Date.parse(seen) > AWAY_MS;
  if (isBack) localStorage.setItem("left-at", seen);
  return localStorage.getItem("left-at") ?? new Date(Date.now() - DAY_MS).toISOString();
}
const left = leftAt();

const see = (): void => localStorage.setItem("seen-at", new Date().toISOString());
setInterval(() => document.visibilityState === "visible" && see(), 60_000);
window.addEventListener("pagehide", see);

/** Runs that ended since the page was last looked at, with their links and cost. */
export function SinceYouLeft() {
  const { project } = useProject();
  const ended = useQuery({
    queryKey: ["since", project],
    queryFn: ({ signal }) => api.runs.list({ status: "ended", limit: 100, project }, { signal }),
  });
  const runs = (ended.data?.items ?? []).filter(({ endedAt }) => endedAt !== null && endedAt > left);
  const fine = runs.filter(({ outcome }) => outcome === "ok").length;
  const stopped = runs.filter(({ outcome }) => outcome === "aborted").length;
  const failed = runs.length - fine - stopped;
  const cost = runs.reduce((sum, { usage }) => sum + (usage?.costUsd ?? 0), 0);
  const parts = [
    `${fine} fine`,
    ...(failed ? [`${failed} failed`] : []),
    ...(stopped ? [`${stopped} stopped`] : []),
    ...(cost ? [moneyText(cost)] : []),
  ];
  return (
    <Section
      title="Since you left"
      note={new Date(left).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit" })}
    >
      {ended.data && (
        <p className="py-2 text-ink2">
          {runs.length
            ? `${runs.length} ${runs.length === 1 ? "run" : "runs"} ended: ${parts.join(", ")}.`
            : "No run ended."}
        </p>
      )}
      <ul>
        {runs.slice(0, SHOWN).map((run) => (
          <Ended key={run.id} run={run} />
        ))}
      </ul>
      {!ended.data && !ended.isPending && <Empty>Runs could not be read.</Empty>}
    </Section>
  );
}

function Ended({ run }: { run: Run }) {
  const { glyph, word } = runState(run);
  return (
    <li className="border-t border-line">
      <Link to="/runs/$id" params={{ id: run.id }} className="flex gap-2.5 py-2 hover:bg-hover">
        <span className="mt-1">
          <Glyph name={glyph} />
        </span>
        <span className="min-w-0 flex-1 wrap-anywhere">
          {aboutRun(run)}
          <span className="block text-small text-ink3">
            {visible([run.agentId, word, ...run.links.map(({ ref }) => ref)].filter(Boolean).join(" · "))}
          </span>
        </span>
        <span className="font-mono text-small text-ink2">{moneyText(run.usage?.costUsd)}</span>
      </Link>
    </li>
  );
}
