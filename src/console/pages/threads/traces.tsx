import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import type { HistoryItem, Trace } from "../../../protocol/traces.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { countText } from "../../ui/amounts.ts";
import { Button } from "../../ui/button.tsx";
import { Exact } from "../../ui/exact.tsx";
import { Fold } from "../../ui/fold.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Failure } from "../../ui/notes.tsx";
import { clockText } from "../../ui/states.ts";

/** Depth of what a thread shows: words, thoughts, actions. */
export type Level = 1 | 2 | 3;
export const LEVELS: readonly { level: Level; name: string; about: string }[] = [
  { level: 1, name: "Words", about: "Messages alone" },
  { level: 2, name: "Thoughts", about: "Messages, and what agents thought about them" },
  { level: 3, name: "Actions", about: "Messages, thoughts, and files, commands and tools" },
];

export type Traced = Pick<HistoryItem, "traces" | "tracesPage">;
const PAGE = 60;
const NONE: ReadonlyMap<number, Traced> = new Map();

/** Traces of a thread's messages, by message, for as many pages as are shown. */
export function useTraces(thread: number, level: Level, pages: number): ReadonlyMap<number, Traced> {
  const { data, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery({
    queryKey: ["history", thread, level],
    enabled: level > 1,
    queryFn: ({ signal, pageParam }) =>
      api.traces.history({ thread, level, limit: PAGE, ...(pageParam !== null && { page: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextPage }: { nextPage: string | null }) => nextPage,
  });
  const read = data?.pages.length ?? 0;
  useEffect(() => {
    if (level > 1 && hasNextPage && !isFetching && read < pages) void fetchNextPage();
  }, [level, hasNextPage, isFetching, fetchNextPage, read, pages]);
  return useMemo(() => {
    if (level === 1 || !data) return NONE;
    return new Map(data.pages.flatMap(({ items }) => items).map((item) => [item.id, item]));
  }, [level, data]);
}

/** Traces behind a message, one line each. */
export function Traces({ id, level, traced }: { id: number; level: Level; traced: Traced | undefined }) {
  const [isMore, showMore] = useState(false);
  const more = useInfiniteQuery({
    queryKey: ["traces", id, level],
    enabled: isMore,
    queryFn: ({ signal, pageParam }) =>
      api.traces.list(id, { level: level === 2 ? 2 : 3, limit: 200, page: pageParam }, { signal }),
    initialPageParam: traced?.tracesPage ?? undefined,
    getNextPageParam: ({ nextPage }) => nextPage ?? undefined,
  });
  const rest = more.data?.pages.flatMap(({ items }) => items) ?? [];
  const traces = [...(traced?.traces ?? []), ...rest];
  if (traces.length === 0) return null;
  const isCut = isMore ? more.hasNextPage : traced?.tracesPage != null;
  return (
    <div className="mt-1 border-l-2 border-line pl-3">
      {traces.map((trace) => (
        <TraceLine key={trace.id} trace={trace} />
      ))}
      {more.error && <Failure error={more.error} retry={() => void more.refetch()} />}
      {isCut && (
        <Button kind="quiet" onClick={() => (isMore ? void more.fetchNextPage() : showMore(true))}>
          More traces
        </Button>
      )}
    </div>
  );
}

function TraceLine({ trace }: { trace: Trace }) {
  const { type, content, encoding, metadata, agentId, level, createdAt } = trace;
  const isOpaque = encoding === "opaque";
  const first = isOpaque ? "encrypted" : (content.trimStart().split("\n", 1)[0] ?? "");
  const line = (
    <>
      <Glyph name={level === 2 ? "idle" : "settled"} grey />
      <span className="text-ink">{visible(type)}</span>
      <span className={`min-w-0 flex-1 truncate ${level === 3 ? "font-mono" : ""}`}>
        {visible(first.slice(0, 300))}
      </span>
      <span className="whitespace-nowrap text-ink3">{`${visible(agentId)} ${clockText(createdAt)}`}</span>
    </>
  );
  return (
    <Fold line={line}>
      {() =>
        isOpaque ? (
          <p className="text-ink2">{`Encrypted by the clients: ${countText(content.length)} characters.`}</p>
        ) : (
          <>
            <Exact>{content}</Exact>
            {metadata && <Exact>{JSON.stringify(metadata, null, 2)}</Exact>}
          </>
        )
      }
    </Fold>
  );
}
