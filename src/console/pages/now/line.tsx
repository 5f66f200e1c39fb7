import { Link } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import { stretchesOf, stretchesText } from "../../../protocol/states.ts";
import type { SessionTrack, TrackState } from "../../../protocol/tracks.ts";
import { visible } from "../../../protocol/visible.ts";
import { useProject } from "../../frame/projects.ts";
import { feed } from "../../live/feed.ts";
import { SPAN_MS, useTracks } from "../../live/tracks.ts";
import { ageText } from "../../ui/age.tsx";
import { projectName } from "../../ui/exact.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty, Failure } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { clockText, type Shown, sessionState } from "../../ui/states.ts";

const MARKS = [60, 45, 30, 15];
/** A track moves by a pixel in this time. */
const STEP_MS = 10_000;
const AWAY =
  "bg-bg bg-[repeating-linear-gradient(90deg,var(--grey)_0_3px,transparent_3px_6px)] bg-[length:100%_1px] bg-center bg-no-repeat";

/** A stretch of a track, as the page draws it. An idle session leaves the line. */
const STRETCH: Partial<Record<TrackState, string>> = {
  working: "bg-ink3",
  asking: "bg-[repeating-linear-gradient(135deg,var(--amber-g)_0_3px,var(--amber-t)_3px_6px)]",
  waiting: "border border-violet bg-violet-t",
  limited: "bg-bg bg-[repeating-linear-gradient(90deg,var(--violet)_0_2px,transparent_2px_6px)]",
  stuck: "bg-red",
  ...{ away: AWAY, starting: AWAY },
};

const steps = (): number => Math.floor(feed.now() / STEP_MS) * STEP_MS;

/** One track for each session that was live in the last hour, by project. */
export function Line() {
  const { project } = useProject();
  const { data, error, refetch } = useTracks(project);
  const now = useSyncExternalStore(feed.onTick, steps);
  const shown = (data?.items ?? []).filter(({ endedAt }) => endedAt === null || Date.parse(endedAt) > now - SPAN_MS);
  const byProject = Object.entries(Object.groupBy(shown.toSorted(byName), ({ project }) => project ?? "no project"));
  return (
    <Section title="The line" note="last 60 minutes">
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data && shown.length === 0 && <Empty>No session is live. An orchestrator on a machine starts them.</Empty>}
      {byProject.map(([project, of = []]) => (
        <div key={project}>
          <h3 className="mt-3 mb-0.5 text-small font-semibold text-ink2" title={visible(project)}>
            {projectName(project)}
          </h3>
          {of.map((track) => (
            <Track key={track.id} track={track} now={now} />
          ))}
        </div>
      ))}
      {data?.nextPage && (
        <p className="py-2 text-small text-ink3">The newest 200 that live, and 100 that ended, are shown.</p>
      )}
      {shown.length > 0 && (
        <div className="ml-[288px] flex justify-between font-mono text-micro text-ink3 max-md:hidden">
          {MARKS.map((minutes) => (
            <span key={minutes}>{clockText(new Date(now - minutes * 60_000).toISOString())}</span>
          ))}
          <span>now</span>
        </div>
      )}
    </Section>
  );
}

/** By project and agent; in each project those that have ended come last. */
const byName = (one: SessionTrack, other: SessionTrack): number =>
  (one.project ?? "~").localeCompare(other.project ?? "~") ||
  Number(one.endedAt !== null) - Number(other.endedAt !== null) ||
  one.agentId.localeCompare(other.agentId) ||
  one.startedAt.localeCompare(other.startedAt);

function shownOf(track: SessionTrack, now: number): Shown {
  if (track.endedAt !== null)
    return { glyph: "aborted", word: `ended ${clockText(track.endedAt)}`, colour: "text-grey" };
  const shown = sessionState(track);
  return track.state === "stuck" ? { ...shown, word: `stuck ${ageText(now - Date.parse(track.since))}` } : shown;
}

function Track({ track, now }: { track: SessionTrack; now: number }) {
  const { id, name, agentId, lane } = track;
  const { glyph, word, colour } = shownOf(track, now);
  const begin = now - SPAN_MS;
  const stretches = stretchesOf(track, begin, now);
  const text = stretchesText(stretches);
  const percent = (time: number): string => `${(time / SPAN_MS) * 100}%`;
  return (
    <div className="group grid h-6.5 grid-cols-[12px_96px_148px_1fr] items-center gap-2.5 pl-3 max-md:grid-cols-[12px_2fr_3fr]">
      <Glyph name={glyph} />
      <Link
        to="/sessions/$id"
        params={{ id }}
        className="truncate hover:underline"
        title={visible(`${agentId}: ${name ?? id}`)}
        aria-describedby={`track-${id}`}
      >
        {lane === "main" ? agentId : visible(name ?? agentId)}
      </Link>
      <span className={`truncate text-small ${colour}`} title={word}>
        {word}
      </span>
      <span
        className="relative h-2 bg-[linear-gradient(var(--line),var(--line))] bg-[length:100%_1px] bg-center bg-no-repeat max-md:sr-only"
        title={text}
      >
        {stretches.map(({ state, from, to }) => (
          <i
            key={from}
            className={`absolute top-0 h-2 rounded-[1px] ${STRETCH[state] ?? ""}`}
            style={{ left: percent(from - begin), width: percent(to - from) }}
          />
        ))}
        <span
          id={`track-${id}`}
          className="sr-only group-has-focus-visible:not-sr-only group-has-focus-visible:absolute group-has-focus-visible:-top-1 group-has-focus-visible:right-0 group-has-focus-visible:bg-bg group-has-focus-visible:pl-2 group-has-focus-visible:text-small"
        >
          {text}
        </span>
      </span>
    </div>
  );
}
