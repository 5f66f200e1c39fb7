import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import type { Approval } from "../../../protocol/approvals.ts";
import type { Run } from "../../../protocol/runs.ts";
import type { Session } from "../../../protocol/sessions.ts";
import { api } from "../../api.ts";
import { feed } from "../../live/feed.ts";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { clockText, sessionState } from "../../ui/states.ts";

const SPAN_MS = 60 * 60_000;
const MARKS = [60, 45, 30, 15];

/** A stretch of a track, as the page draws it. */
const STRETCH = {
  working: "bg-ink3",
  you: "bg-[repeating-linear-gradient(135deg,var(--amber-g)_0_3px,var(--amber-t)_3px_6px)]",
  limited: "bg-[repeating-linear-gradient(90deg,var(--violet)_0_2px,transparent_2px_6px)]",
  stuck: "bg-red",
  away: "top-1 border-t border-dashed border-grey",
} as const;

interface Stretch {
  kind: keyof typeof STRETCH;
  from: number;
  to: number;
}

/** One track for each live session over the last hour, by project. */
export function Line() {
  const sessions = useQuery({
    queryKey: ["sessions", "live"],
    queryFn: ({ signal }) => api.sessions.list({ live: "true", limit: 200 }, { signal }),
  });
  const runs = useQuery({
    queryKey: ["runs", "line"],
    queryFn: ({ signal }) => api.runs.list({ limit: 200 }, { signal }),
  });
  const asked = useQuery({
    queryKey: ["approvals", "pending"],
    queryFn: ({ signal }) => api.approvals.list({ state: "pending", limit: 200 }, { signal }),
  });
  const now = useSyncExternalStore(feed.onTick, feed.now);
  const shown = sessions.data?.items ?? [];
  const byProject = Object.entries(Object.groupBy(shown, ({ project }) => project ?? "no project"));
  return (
    <Section title="The line" note="last 60 minutes">
      {sessions.data && shown.length === 0 && (
        <Empty>No session is live. An orchestrator on a machine starts them.</Empty>
      )}
      {byProject.map(([project, of = []]) => (
        <div key={project}>
          <h3 className="mt-3 mb-0.5 text-small font-semibold text-ink2">{project}</h3>
          {of.map((session) => (
            <Track
              key={session.id}
              session={session}
              stretches={stretchesOf(session, runs.data?.items ?? [], asked.data?.items ?? [], now)}
              now={now}
            />
          ))}
        </div>
      ))}
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

function Track({ session, stretches, now }: { session: Session; stretches: readonly Stretch[]; now: number }) {
  const { glyph, word, colour } = sessionState(session);
  const at = (time: number): number => Math.max(0, Math.min(100, ((time - (now - SPAN_MS)) / SPAN_MS) * 100));
  return (
    <div className="grid h-6.5 grid-cols-[12px_96px_148px_1fr] items-center gap-2.5 pl-3 max-md:grid-cols-[12px_1fr_auto]">
      <Glyph name={glyph} />
      <Link
        to="/sessions/$id"
        params={{ id: session.id }}
        className="truncate hover:underline"
        title={session.name ?? session.id}
      >
        {session.agentId}
      </Link>
      <span className={`truncate text-small ${colour}`}>{word}</span>
      <span
        className="relative h-2 bg-[linear-gradient(var(--line),var(--line))] bg-[length:100%_1px] bg-center bg-no-repeat max-md:hidden"
        aria-hidden="true"
      >
        {stretches.map(({ kind, from, to }) => (
          <i
            key={`${kind} ${from}`}
            className={`absolute top-0 h-2 rounded-[1px] ${STRETCH[kind]}`}
            style={{ left: `${at(from)}%`, width: `${at(to) - at(from)}%` }}
          />
        ))}
      </span>
    </div>
  );
}

/** Turns are work; an open question, a limit, silence and absence cover what came after them. */
function stretchesOf(session: Session, runs: readonly Run[], asked: readonly Approval[], now: number): Stretch[] {
  const begin = now - SPAN_MS;
  const work = runs
    .filter(({ sessionId }) => sessionId === session.id)
    .flatMap(({ turns }) => turns)
    .flatMap(({ startedAt, endedAt }) =>
      startedAt === null
        ? []
        : [{ kind: "working" as const, from: Date.parse(startedAt), to: endedAt ? Date.parse(endedAt) : now }],
    );
  const questions = asked
    .filter(({ sessionId }) => sessionId === session.id)
    .map(({ createdAt }) => ({ kind: "you" as const, from: Date.parse(createdAt), to: now }));
  const since = session.lastEventAt ? Date.parse(session.lastEventAt) : now;
  const state = (["limited", "stuck", "away"] as const).find((kind) => kind === session.state);
  const tail = state ? [{ kind: state, from: since, to: now }] : [];
  return [...work, ...questions, ...tail].filter(({ to }) => to > begin);
}
