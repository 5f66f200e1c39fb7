import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { ThreadList, ThreadSummary } from "../../../protocol/threads.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { Age } from "../../ui/age.tsx";
import { Button } from "../../ui/button.tsx";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { plainly } from "./body.tsx";

export interface ThreadSearch {
  q?: string | undefined;
  show?: "all" | "archived" | undefined;
}

/** Threads by a search, newest activity first. */
export const useThreads = ({ q, show }: ThreadSearch) =>
  useInfiniteQuery({
    queryKey: ["threads", q ?? "", show ?? ""],
    queryFn: ({ signal, pageParam }) =>
      api.threads.list(
        {
          ...(show !== "all" && { participant: "user" }),
          ...(show === "archived" && { archived: "true" }),
          ...(q && { q }),
          ...(pageParam !== null && { page: pageParam }),
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextPage }: ThreadList) => nextPage,
  });

const SHOWN = [
  [undefined, "Yours"],
  ["all", "All"],
  ["archived", "Archived"],
] as const;

/** The list at the left, or the whole page on a phone. */
export function Threads({ openId, search }: { openId: number | undefined; search: ThreadSearch }) {
  const threads = useThreads(search);
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const items = (threads.data?.pages ?? []).flatMap((page) => page.items);
  const [at, setAt] = useState(0);
  const current = items[Math.min(at, items.length - 1)];
  const isList = openId === undefined;
  const open = (id: number) => navigate({ to: "/threads/$id", params: { id: String(id) }, search });
  const enter = (): void => void (current && open(current.id));
  useKeys({
    "/": () => field.current?.focus(),
    ...(isList && {
      j: () => setAt((now) => Math.min(items.length - 1, now + 1)),
      k: () => setAt((now) => Math.max(0, now - 1)),
      ...(current && { Enter: enter }),
    }),
  });
  const find = (q: string) => navigate({ to: ".", search: { ...search, q: q.trim() || undefined }, replace: true });

  return (
    <>
      <div className="flex flex-col gap-2 px-3 pb-2">
        <input
          ref={field}
          type="search"
          aria-label="Search threads"
          placeholder="Search"
          defaultValue={search.q}
          onChange={({ target }) => void find(target.value)}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
          className="h-8 w-full rounded-control border border-control bg-surface px-2 max-md:h-12"
        />
        <div className="flex gap-3 text-small">
          {SHOWN.map(([show, name]) => (
            <Link
              key={name}
              to="."
              search={{ ...search, show }}
              aria-current={search.show === show || undefined}
              className="py-1 text-ink2 aria-[current]:font-semibold aria-[current]:text-ink max-md:py-3"
            >
              {name}
            </Link>
          ))}
        </div>
      </div>
      {threads.isPending && <Loading what="threads" />}
      {threads.error && <Failure error={threads.error} retry={() => void threads.refetch()} />}
      {threads.data && items.length === 0 && <None search={search} />}
      <ul aria-label="Threads" className="border-t border-line">
        {items.map((thread) => (
          <Row
            key={thread.id}
            thread={thread}
            search={search}
            isShown={thread.id === openId || (isList && thread.id === current?.id)}
            isOpen={thread.id === openId}
          />
        ))}
      </ul>
      {threads.hasNextPage && (
        <Button kind="quiet" className="m-2" onClick={() => void threads.fetchNextPage()}>
          Older threads
        </Button>
      )}
    </>
  );
}

function None({ search: { q, show } }: { search: ThreadSearch }) {
  if (q) return <Empty>{`Nothing matches “${q}”.`}</Empty>;
  if (show === "archived") return <Empty>Nothing is archived.</Empty>;
  return <Empty>No thread yet. Write to an agent to begin one.</Empty>;
}

interface RowProps {
  thread: ThreadSummary;
  search: ThreadSearch;
  isShown: boolean;
  isOpen: boolean;
}

function Row({ thread, search, isShown, isOpen }: RowProps) {
  const { id, title, lastMessage, unread, liveRuns, participants } = thread;
  const words = lastMessage?.encoding === "opaque" ? "encrypted" : (lastMessage?.body ?? "");
  return (
    <li
      className={`border-b border-line ${isShown ? "bg-selected shadow-[inset_2px_0_var(--accent)] max-md:bg-transparent max-md:shadow-none" : ""}`}
    >
      <Link
        to="/threads/$id"
        params={{ id: String(id) }}
        search={search}
        aria-current={isOpen ? "page" : undefined}
        className="block px-3 py-2 hover:bg-hover max-md:px-4"
      >
        <span className="flex items-baseline gap-2">
          <span className={`min-w-0 flex-1 truncate ${unread > 0 ? "font-semibold" : ""}`}>
            {plainly(title ?? `Thread ${id}`)}
          </span>
          {unread > 0 && <span className="font-mono text-small font-semibold text-amber">{`${unread} new`}</span>}
          {lastMessage && <Age since={lastMessage.createdAt} />}
        </span>
        <span className="flex items-center gap-1.5 text-small text-ink2">
          {liveRuns > 0 && (
            <>
              <Glyph name="working" />
              <span className="whitespace-nowrap">{liveRuns === 1 ? "working" : `${liveRuns} runs`}</span>
            </>
          )}
          <span className="truncate">{plainly(participants.filter((name) => name !== "user").join(", "))}</span>
        </span>
        <span className="block truncate text-small text-ink3">
          {lastMessage && plainly(`${lastMessage.from}: ${words.replaceAll(/\s+/g, " ")}`)}
        </span>
      </Link>
    </li>
  );
}
