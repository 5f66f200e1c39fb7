import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { ThreadList, ThreadSummary } from "../../../protocol/threads.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { type Search, writeSearch } from "../../search/query.ts";
import { SearchBox } from "../../search/search-box.tsx";
import { Age } from "../../ui/age.tsx";
import { Arrivals, useArrivals } from "../../ui/arrivals.tsx";
import { BulkProgress } from "../../ui/bulk.tsx";
import { Button, Key } from "../../ui/button.tsx";
import { type Chosen, useChosen, useGone } from "../../ui/chosen.ts";
import { Glyph } from "../../ui/glyph.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Choice, choosing, useSelected } from "../../ui/rows.tsx";
import { useSequence } from "../../ui/sequence.ts";
import { ActBar } from "./act-bar.tsx";
import { plainly } from "./body.tsx";

export interface ThreadSearch extends Omit<Search, "state"> {
  show?: "all" | "archived" | undefined;
  /** Depth of what the open thread shows. */
  level?: 2 | 3 | undefined;
  /** Message that the open thread explains at once. */
  why?: number | undefined;
}

/** Threads by a search, newest activity first. */
export const useThreads = ({ show, agent, level: _level, why: _why, ...filter }: ThreadSearch) =>
  useInfiniteQuery({
    queryKey: ["threads", filter, agent ?? "", show ?? ""],
    queryFn: ({ signal, pageParam }) =>
      api.threads.list(
        {
          ...filter,
          participant: agent ?? (show === "all" ? undefined : "user"),
          ...(show === "archived" && { archived: "true" }),
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
  const all = (threads.data?.pages ?? []).flatMap((page) => page.items);
  const box = useRef<HTMLUListElement>(null);
  const { shown: items, ...arrivals } = useArrivals({
    ...{ items: all, box, of: JSON.stringify(search) },
    idOf: ({ id }) => String(id),
  });
  const { writes } = useWho();
  const isList = openId === undefined;
  const ids = items.map(({ id }) => String(id));
  const { at, select } = useSelected(ids);
  const chosen = useChosen();
  useGone(chosen, items);
  const lead = (to: number): boolean => {
    if (ids[to] !== undefined) select(ids[to]);
    return ids[to] !== undefined;
  };
  const { isCurrent } = useSequence({
    box,
    count: () => (isList ? ids.length : 0),
    move: (by) => lead(at + by),
    enter: (by) => void lead(by > 0 ? 0 : ids.length - 1),
  });
  const current = isCurrent ? items[at] : undefined;
  const open = (id: number) =>
    navigate({ to: "/threads/$id", params: { id: String(id) }, search: { ...search, why: undefined } });
  const enter = (): void => void (current && open(current.id));
  useKeys({
    ...(current && Object.fromEntries([["Enter", enter]])),
    ...(current && writes && choosing(chosen, ids, String(current.id))),
  });
  const { show, level, why: _why, ...filter } = search;
  const text = writeSearch(filter);
  const clear = () => navigate({ to: ".", search: { show, level, project: undefined } });
  function apply({ state, ...next }: Search): void {
    if (state !== undefined) void navigate({ to: "/search", search: { ...next, state } });
    else void navigate({ to: ".", search: { show, level, project: undefined, ...next } });
  }
  useKeys(text !== "" && isList && chosen.ids.size === 0 ? Object.fromEntries([["Escape", () => void clear()]]) : {});

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-2 px-3 pb-2">
        <SearchBox find={{ search: filter, apply }} className="w-full max-md:order-1" />
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
      {threads.data && items.length === 0 && <None text={text} show={show} clear={() => void clear()} />}
      <BulkProgress />
      {isList && writes && items.length > 0 && (
        <ActBar threads={items} chosen={chosen} isArchived={show === "archived"} />
      )}
      <Arrivals {...arrivals} />
      <ul ref={box} aria-label="Threads" className="border-t border-line">
        {items.map((thread) => (
          <Row
            key={thread.id}
            thread={thread}
            search={search}
            isShown={thread.id === openId || thread.id === current?.id}
            isOpen={thread.id === openId}
            {...(isList && writes && { choice: { order: ids, chosen } })}
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

function None({ text, show, clear }: { text: string; show: ThreadSearch["show"]; clear(): void }) {
  if (text !== "")
    return (
      <Empty>
        Nothing matches <code className="font-mono">{text}</code>.{" "}
        <Button kind="quiet" onClick={clear}>
          Clear <Key>esc</Key>
        </Button>
      </Empty>
    );
  if (show === "archived") return <Empty>Nothing is archived.</Empty>;
  return <Empty>No thread yet. Write to an agent to begin one.</Empty>;
}

interface RowProps {
  thread: ThreadSummary;
  search: ThreadSearch;
  isShown: boolean;
  isOpen: boolean;
  choice?: { order: readonly string[]; chosen: Chosen };
}

function Row({ thread, search, isShown, isOpen, choice }: RowProps) {
  const { id, title, lastMessage, unread, liveRuns, participants } = thread;
  const words = lastMessage?.encoding === "opaque" ? "encrypted" : (lastMessage?.body ?? "");
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isShown) place.current?.scrollIntoView({ block: "nearest" });
  }, [isShown]);
  return (
    <li
      ref={place}
      className={`flex items-start border-b border-line ${isShown ? "bg-selected shadow-[inset_2px_0_var(--accent)] max-md:bg-transparent max-md:shadow-none" : ""}`}
    >
      {choice && <Choice id={String(id)} name={plainly(title ?? `thread ${id}`)} {...choice} />}
      <Link
        to="/threads/$id"
        params={{ id: String(id) }}
        search={search}
        aria-current={isOpen ? "page" : undefined}
        className="block min-w-0 flex-1 px-3 py-2 hover:bg-hover max-md:px-4"
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
