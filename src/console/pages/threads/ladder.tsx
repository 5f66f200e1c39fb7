import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import type { Explanation } from "../../../protocol/explain.ts";
import type { Message } from "../../../protocol/messages.ts";
import { toldText } from "../../../protocol/told.ts";
import { api } from "../../api.ts";
import { feed } from "../../live/feed.ts";
import { ageText } from "../../ui/age.tsx";
import { Marks, markWord } from "../../ui/marks.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { momentText } from "../../ui/states.ts";
import { plainly } from "./body.tsx";

/** Time after which a message that got no further is late. */
const LATE_MS = 10 * 60_000;
const FRESH_MS = 15_000;

const REACHED: Partial<Record<Explanation["recipients"][number]["step"], number>> = {
  ...{ stored: 1, matched: 2, "not-needed": 2, expired: 2, cancelled: 2, offered: 3, acknowledged: 3, read: 3 },
  ...{ claimed: 3, renewed: 3, released: 3, failed: 3, "lease-expired": 3, "in-turn": 4, named: 4 },
  ...{ answered: 5, completed: 5 },
};
const OVER = new Set(["not-needed", "expired", "cancelled", "acknowledged", "read", "answered", "completed"]);

/** The story of a message. Events say when it went on. */
export const useStory = (id: number) =>
  useQuery({
    queryKey: ["explain", id],
    queryFn: ({ signal }) => api.messages.explain(id, {}, { signal }),
    staleTime: FRESH_MS,
  });

interface LadderProps {
  message: Message;
  isAnswered: boolean;
  /** A run works on it, or did. */
  isTaken: boolean;
}

/** How far a message came with its recipients, as five marks. */
export function Ladder({ message, isAnswered, isTaken }: LadderProps) {
  const story = useStory(message.id);
  const now = useSyncExternalStore(feed.onTick, feed.now);
  const recipients = story.data?.recipients ?? [];
  const best = recipients.toSorted((a, b) => (REACHED[b.step] ?? 1) - (REACHED[a.step] ?? 1))[0];
  const impossible = recipients[0]?.impossible.filter((step) =>
    recipients.every((one) => one.impossible.includes(step)),
  );
  const isRouted = story.data?.facts.some(({ step, members }) => step === "matched" && Number(members) > 0);
  const known = Math.max(isRouted ? 2 : 1, best ? (REACHED[best.step] ?? 1) : 1);
  const reached = isAnswered ? 5 : Math.max(known, isTaken ? 4 : 1);
  const waited = now - Date.parse(best?.at ?? message.createdAt);
  // People read when they look.
  const mayBeLate = message.to !== "user" && story.data !== undefined && !OVER.has(best?.step ?? "stored");
  const isLate = mayBeLate && reached < 4 && waited > LATE_MS;
  const late = isLate ? `, late by ${ageText(waited - LATE_MS)}` : "";
  return (
    <span className="inline-flex items-center gap-1.5" title={best && plainly(toldText(best.parts, momentText))}>
      <Marks reached={reached} isLate={isLate} late={late} impossible={impossible} />
      {isLate && <span className="text-small text-amber">{`${markWord(reached)}${late}`}</span>}
    </span>
  );
}

/** Why a message is where it is: a sentence for each recipient, and every fact. */
export function Why({ id }: { id: number }) {
  const { data, error, refetch } = useStory(id);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading what="its story" />;
  return (
    <div className="my-2 rounded-control border border-line bg-surface px-3 py-2 text-small">
      {data.recipients.map(({ agentId, parts }) => (
        <p key={agentId} className="wrap-anywhere">
          {plainly(toldText(parts, momentText))}
        </p>
      ))}
      <ol className="mt-2 max-h-60 overflow-y-auto" aria-label="Facts" tabIndex={-1}>
        {data.facts.map(({ at, step, ...rest }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: facts never change their order
          <li key={index} className="grid grid-cols-[minmax(80px,max-content)_88px_1fr] gap-2">
            <time className="font-mono text-micro whitespace-nowrap text-ink3">{momentText(at)}</time>
            <span>{step}</span>
            <span className="text-ink2 wrap-anywhere">{detailOf(rest)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const detailOf = (rest: Record<string, unknown>): string =>
  plainly(
    Object.entries(rest)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
      .join(", "),
  );
