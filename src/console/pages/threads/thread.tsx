import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";
import type { Message } from "../../../protocol/messages.ts";
import type { ThreadSummary } from "../../../protocol/threads.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Failure, Loading } from "../../ui/notes.tsx";
import { plainly } from "./body.tsx";
import { Composer } from "./composer.tsx";
import { MessageItem } from "./message.tsx";
import { LiveRuns } from "./runs.tsx";
import { useTalk, useThread } from "./talk.ts";

/** So close to its end, a list stays there when something is added. */
const NEAR_END_PX = 80;

/** One thread: its messages, and a place to write. */
export function Thread({ id }: { id: number }) {
  const { data: thread, error } = useThread(id);
  const talk = useTalk(id);
  const { writes } = useWho();
  const navigate = useNavigate();
  const list = useRef<VListHandle>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const [selectedId, select] = useState<number>();
  const [explainedId, explain] = useState<number>();
  const { messages } = talk;
  const last = messages.at(-1);
  const at = messages.findIndex((message) => message.id === selectedId);
  const current = messages[at];
  useReading(id, thread, last?.id, writes);
  useEnd(list, last?.id, messages.length);

  function move(by: number): void {
    const next = Math.min(messages.length - 1, Math.max(0, at < 0 ? messages.length - 1 : at + by));
    select(messages[next]?.id);
    list.current?.scrollToIndex(next, { align: "nearest" });
  }
  const back = (): void => (selectedId === undefined ? void navigate({ to: "/threads" }) : select(undefined));
  const toggleWhy = (message: Message) => explain((now) => (now === message.id ? undefined : message.id));
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ...(writes && { r: () => field.current?.focus() }),
    ...(current && { w: () => toggleWhy(current), y: () => void navigator.clipboard?.writeText(String(current.id)) }),
    Escape: back,
  });
  const answers = useMemo(() => answersIn(messages), [messages]);

  return (
    <section className="flex min-w-0 flex-1 flex-col" aria-label="Thread">
      <Head id={id} thread={thread} writes={writes} />
      {(error ?? talk.error) && <Failure error={error ?? talk.error} retry={() => void talk.refetch()} />}
      {talk.isPending && <Loading what="messages" />}
      {talk.hasNextPage && (
        <Button kind="quiet" disabled={talk.isFetchingNextPage} onClick={() => void talk.fetchNextPage()}>
          Earlier messages
        </Button>
      )}
      <VList ref={list} className="flex-1" shift={talk.isFetchingNextPage} tabIndex={0} aria-label="Messages">
        {messages.map((message) => (
          <MessageItem
            key={message.id}
            message={message}
            answer={answers.get(message.id)}
            isSelected={message.id === selectedId}
            isExplained={message.id === explainedId}
            writes={writes}
            select={() => select(message.id)}
            explain={() => toggleWhy(message)}
            reply={() => field.current?.focus()}
          />
        ))}
      </VList>
      <LiveRuns threadId={id} />
      {writes && last && (
        <Composer
          key={id}
          to={targetOf(thread?.agentId, current ?? last)}
          replyTo={current ?? last}
          field={field}
          onSent={() => select(undefined)}
        />
      )}
    </section>
  );
}

function Head({ id, thread, writes }: { id: number; thread: ThreadSummary | null | undefined; writes: boolean }) {
  const title = plainly(thread?.title ?? `Thread ${id}`);
  useEffect(() => {
    document.title = `${title} · Signalbox`;
  }, [title]);
  const archive = useAct(async (archived: boolean) => {
    await api.threads.change(id, { archived });
    const said = archived ? "Archived: it comes back with the next message for you" : "Back in the list";
    return { said, undo: () => api.threads.change(id, { archived: !archived }) };
  });
  return (
    <header className="flex items-start gap-2 border-b border-line px-8 py-4 max-md:px-4">
      <Link to="/threads" className="-ml-2 p-2 md:hidden" aria-label="All threads">
        <ChevronLeft className="size-5" aria-hidden="true" />
      </Link>
      <div className="min-w-0 flex-1">
        <h1 className="line-clamp-2 text-title font-semibold wrap-anywhere">{title}</h1>
        <p className="truncate text-small text-ink2">
          {thread ? `${plainly(thread.participants.join(", "))} · ${thread.replies + 1} messages` : ""}
        </p>
      </div>
      {writes && thread && (
        <Button kind="quiet" disabled={archive.isPending} onClick={() => archive.mutate(!thread.archived)}>
          {thread.archived ? "Restore" : "Archive"}
        </Button>
      )}
    </header>
  );
}

/** Marks what is shown as read, while somebody looks. */
function useReading(id: number, thread: ThreadSummary | null | undefined, lastId: number | undefined, writes: boolean) {
  const unread = thread?.unread ?? 0;
  useEffect(() => {
    if (!writes || lastId === undefined || unread === 0) return;
    const read = (): void => {
      if (document.visibilityState === "visible") api.threads.read(id, lastId).catch(() => undefined);
    };
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [id, lastId, unread, writes]);
}

/** Opens a list at its end, and keeps it there while its reader is there. */
function useEnd(list: RefObject<VListHandle | null>, lastId: number | undefined, count: number): void {
  const shown = useRef<number>(undefined);
  useEffect(() => {
    const view = list.current;
    if (!view || lastId === undefined || lastId === shown.current) return;
    const isFirst = shown.current === undefined;
    shown.current = lastId;
    const isNear = view.scrollSize - view.scrollOffset - view.viewportSize < NEAR_END_PX + view.viewportSize / 2;
    if (isFirst || isNear) requestAnimationFrame(() => view.scrollToIndex(count - 1, { align: "end" }));
  }, [list, lastId, count]);
}

/** The other side of a message; its thread's own agent comes first. */
const targetOf = (agentId: string | null | undefined, { from, to }: Message): string =>
  agentId ?? (from === "user" || from === "system" ? (to === "user" ? "" : to) : from);

/** The first reply to each message by whom it was for. */
function answersIn(messages: readonly Message[]): Map<number, Message> {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const answers = new Map<number, Message>();
  for (const message of messages) {
    const parent = message.replyTo === null ? undefined : byId.get(message.replyTo);
    if (parent && parent.to === message.from && !answers.has(parent.id)) answers.set(parent.id, message);
  }
  return answers;
}
