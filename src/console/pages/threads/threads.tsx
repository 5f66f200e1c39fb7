import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useWho } from "../../frame/who.ts";
import { Composer } from "./composer.tsx";
import { type ThreadSearch, Threads, useThreads } from "./list.tsx";
import { Thread } from "./thread.tsx";

/** Threads at the left, and the one that is open; on a phone one or the other. */
export function ThreadsPage() {
  const { id } = useParams({ strict: false }) as { id?: string };
  const search = useSearch({ strict: false }) as ThreadSearch;
  const { writes } = useWho();
  const navigate = useNavigate();
  const openId = id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
  const isOpen = openId !== undefined || id === "new";
  return (
    <main id="main" className="flex h-dvh min-w-0 flex-1 max-md:h-[calc(100dvh-55px-env(safe-area-inset-bottom))]">
      <section
        aria-label="Threads"
        className={`flex shrink-0 flex-col overflow-y-auto border-r border-line pt-5 ${isOpen ? "w-80 max-lg:w-64 max-md:hidden" : "w-80 max-lg:w-64 max-md:w-full max-md:border-0"}`}
      >
        <header className="flex items-baseline gap-2 px-3 pb-3 max-md:px-4">
          <Title search={search} isHeading={!isOpen} />
          {writes && (
            <Link to="/threads/$id" params={{ id: "new" }} search={search} className="text-accent underline max-md:p-3">
              New
            </Link>
          )}
        </header>
        <Threads openId={openId} search={search} />
      </section>
      {openId !== undefined && (
        <Thread
          key={`${openId} ${search.why ?? ""}`}
          id={openId}
          level={search.level ?? 1}
          why={search.why}
          show={(level) =>
            void navigate({ to: ".", search: { ...search, level: level === 1 ? undefined : level }, replace: true })
          }
        />
      )}
      {id === "new" && <NewThread search={search} />}
      {!isOpen && <p className="flex-1 px-8 pt-6 text-ink2 max-md:hidden">Open a thread: j and k, then enter.</p>}
    </main>
  );
}

function Title({ search, isHeading }: { search: ThreadSearch; isHeading: boolean }) {
  const { data } = useThreads(search);
  const unread = (data?.pages ?? []).flatMap(({ items }) => items).filter((thread) => thread.unread > 0).length;
  const words = !data
    ? "Threads"
    : unread === 0
      ? "Nothing new"
      : unread === 1
        ? "1 thread has news"
        : `${unread} threads have news`;
  useEffect(() => {
    if (isHeading) document.title = `${words} · Signalbox`;
  }, [words, isHeading]);
  const Tag = isHeading ? "h1" : "p";
  return <Tag className="flex-1 text-title font-semibold">{words}</Tag>;
}

function NewThread({ search }: { search: ThreadSearch }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const navigate = useNavigate();
  return (
    <section className="flex min-w-0 flex-1 flex-col" aria-label="New thread">
      <h1 className="px-8 pt-6 text-title font-semibold max-md:px-4">New thread</h1>
      <p className="px-8 text-ink2 max-md:px-4">A message begins a thread. Say whom it is for.</p>
      <Composer
        to=""
        replyTo={undefined}
        field={field}
        onSent={(id) => void navigate({ to: "/threads/$id", params: { id: String(id) }, search })}
      />
    </section>
  );
}
