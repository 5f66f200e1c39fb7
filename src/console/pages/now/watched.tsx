import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import { LADDER } from "../../../protocol/explain.ts";
import type { WatchedMessage } from "../../../protocol/late.ts";
import { toldText } from "../../../protocol/told.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { feed } from "../../live/feed.ts";
import { ageText } from "../../ui/age.tsx";
import { Marks } from "../../ui/marks.tsx";
import { Failure } from "../../ui/notes.tsx";
import { Section } from "../../ui/page.tsx";
import { clockText, momentText } from "../../ui/states.ts";

const SHOWN = 12;
/** Becoming late makes no event. */
const AGAIN_MS = 60_000;

/** Messages that have not come to their end, those that are late first. */
export function MessagesToWatch() {
  const { project } = useProject();
  const { data, error, refetch } = useQuery({
    queryKey: ["late", project],
    queryFn: ({ signal }) => api.attention.late({ project }, { signal }),
    refetchInterval: AGAIN_MS,
  });
  const items = data?.items ?? [];
  const late = items.filter(({ isLate }) => isLate).length;
  const rest = items.length - SHOWN;
  return (
    <Section title="Messages to watch" note={late > 0 ? `${late} late` : undefined}>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data && items.length === 0 && <p className="py-2 text-ink2">Every message arrived.</p>}
      <ul>
        {items.slice(0, SHOWN).map((message) => (
          <Watched key={message.id} message={message} />
        ))}
      </ul>
      {rest > 0 && <p className="py-2 text-small text-ink3">{`and ${rest}${data?.more ? "+" : ""} more`}</p>}
    </Section>
  );
}

function Watched({ message }: { message: WatchedMessage }) {
  const { id, threadId, from, to, title, reached, lateAt, isLate, impossible, parts } = message;
  const now = useSyncExternalStore(feed.onTick, feed.now);
  const late = isLate && lateAt ? `late by ${ageText(Math.max(0, now - Date.parse(lateAt)))}` : "";
  return (
    <li className="border-t border-line first:border-0">
      <Link
        to="/threads/$id"
        params={{ id: String(threadId) }}
        search={{ why: id }}
        title={visible(toldText(parts, momentText))}
        className="block py-2 hover:bg-hover"
      >
        <span className="flex items-center gap-2">
          <Marks
            reached={LADDER.indexOf(reached) + 1}
            isLate={isLate}
            late={late && `, ${late}`}
            impossible={impossible}
          />
          <span className="min-w-0 flex-1 truncate">{visible(title ?? `Message ${id}, encrypted`)}</span>
          {late && <span className="text-small whitespace-nowrap text-amber">{late}</span>}
        </span>
        <span className="block text-small text-ink3 wrap-anywhere">
          {`${visible(from)} to ${visible(to)} · ${standsAt(message)}`}
        </span>
      </Link>
    </li>
  );
}

/** How far it came, and what did not happen since. */
function standsAt({ reached, missing, lateAt, at, to }: WatchedMessage): string {
  const time = clockText(at);
  if (missing === "routed") return `nobody was in ${visible(to)}`;
  if (missing === "offered") return `stored ${time}, not offered`;
  if (missing === "in-turn") return `offered ${time}, no turn began`;
  if (reached === "offered") return `offered ${time}, not answered`;
  return lateAt === null ? `in a turn since ${time}` : `in turn ${time}, not answered`;
}
